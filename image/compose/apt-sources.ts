export type DebianMirrors = { readonly main: string; readonly security: string };

/** A package source: where, and which suite. */
type Source = { readonly uri: string; readonly suite: string };

/**
 * Where this machine gets Debian from, by its own apt sources; undefined when they name no Debian of
 * `codename` with its security updates.
 *
 * `texts` are the contents of sources.list and of what stands in sources.list.d, in either format.
 */
export function debianMirrors(texts: readonly string[], codename: string): DebianMirrors | undefined {
  const sources = texts.flatMap((text) => [...parseOneLine(text), ...parseDeb822(text)]);
  const main = sources.find(({ suite }) => suite === codename)?.uri;
  const security = sources.find(({ suite }) => suite === `${codename}-security`)?.uri;
  return main === undefined || security === undefined ? undefined : { main, security };
}

/** `deb [options] URI SUITE components`, one a line. */
function parseOneLine(text: string): Source[] {
  const found: Source[] = [];
  for (const match of text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+\S/gm)) {
    found.push({ uri: match[1]!, suite: match[2]! });
  }
  return found;
}

/** Paragraphs of `Types:`, `URIs:`, `Suites:`. */
function parseDeb822(text: string): Source[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return lines
    .join('\n')
    .split(/\n\s*\n/)
    .flatMap((paragraph) => {
      const words = (name: string) =>
        new RegExp(`^${name}:\\s*(.+)$`, 'mi').exec(paragraph)?.[1]?.trim().split(/\s+/) ?? [];
      if (!words('Types').includes('deb') || words('Enabled').includes('no')) return [];
      return words('URIs').flatMap((uri) => words('Suites').map((suite) => ({ uri, suite })));
    });
}
