/** Which configuration file to read. */
export interface ConfigLocation {
  readonly path: string;
  /** Asked for by name: it must exist. Otherwise no file means defaults. */
  readonly isExplicit: boolean;
}

export const SYSTEM_CONFIG_PATH = '/etc/quicether/config.toml';

/** `--config`, else `QUICETHER_CONFIG`, else the system's file, else the user's; the first that exists. */
export function locateConfig(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean,
): ConfigLocation {
  const asked = flag ?? (env['QUICETHER_CONFIG'] || undefined);
  if (asked !== undefined) return { path: asked, isExplicit: true };
  const home = env['HOME'];
  const personal = home ? `${home}/.config/quicether/config.toml` : undefined;
  if (personal !== undefined && !exists(SYSTEM_CONFIG_PATH) && exists(personal))
    return { path: personal, isExplicit: false };
  return { path: SYSTEM_CONFIG_PATH, isExplicit: false };
}
