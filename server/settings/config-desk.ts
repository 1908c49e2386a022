import { formatHostPort } from '../core/host-port.ts';
import { type Failure, fail, failWith, ok, type Result } from '../core/result.ts';
import { decodeListenState, isInForce, LISTEN_FILE } from './confirmed-listen.ts';
import type { ConfigFile } from './file-draft.ts';
import { planListen } from './listen-plan.ts';
import { loadSettings } from './load.ts';
import { type ConfigLocation, locateConfig } from './locate.ts';
import { type ShownSetting, showSettings, writeToml } from './present.ts';
import { FIELDS } from './schema.ts';
import type { LoadedSettings, Settings } from './settings.ts';
import { type TemplateChoices, writeTemplate } from './template.ts';
import type { GivenFlag } from './text-drafts.ts';

/** Configuration files as the disk has them; the adapter's failures name path and remedy. */
export interface ConfigFiles {
  exists(path: string): boolean;
  /** The text, or nothing when there is no such file. */
  read(path: string): Result<string | undefined>;
  /** Puts the text in place of the file in one step, keeping owner and mode; a crash leaves old or new, whole. */
  replace(path: string, text: string): Result<void>;
  /** Writes a new file, making its folder; refuses when there is one. */
  create(path: string, text: string): Result<void>;
}

/** Settings together with the file they were read from. */
export interface LoadedConfig extends LoadedSettings {
  readonly location: ConfigLocation;
  /** Whether there is such a file; without one everything is default, environment and flags. */
  readonly fileExists: boolean;
}

/** A flag of `start` that sets a key. */
export interface SettingsFlag {
  readonly name: string;
  /** What it takes: `CIDR`, `bool`, `one of error, warn, ...`. */
  readonly kindName: string;
  readonly isList: boolean;
  readonly meaning: string;
}

/** Everything that commands do with configuration, with the effects handed in. */
export interface ConfigDesk {
  readonly files: ConfigFiles;
  readonly flags: readonly SettingsFlag[];
  locate(configFlag: string | undefined): ConfigLocation;
  /** Settings of file, environment and flags, or everything that is wrong. */
  load(configFlag: string | undefined, flags?: readonly GivenFlag[]): Result<LoadedConfig, readonly Failure[]>;
  /** Like {@link load}, with this text as the file. */
  loadText(file: ConfigFile, flags?: readonly GivenFlag[]): Result<LoadedSettings, readonly Failure[]>;
  /** The same for one text alone, as if it were the file of that name; environment and flags do not count. */
  check(name: string, text: string): Result<LoadedSettings, readonly Failure[]>;
  /** Every key with its value and origin. */
  show(loaded: LoadedSettings): ShownSetting[];
  /** The same as a configuration file, each value followed by a remark. */
  write(shown: readonly ShownSetting[], remark: (one: ShownSetting) => string | undefined): string;
  /** A new configuration file with comments, for a person to go on with. */
  template(choices: TemplateChoices): string;
}

const LIST_FLAGS: readonly SettingsFlag[] = [
  {
    name: '--peer',
    kindName: 'ID@HOST:PORT',
    isList: true,
    meaning: 'Box to connect with; without ID@ it stays pending until accepted.',
  },
  { name: '--route', kindName: 'CIDR=ID', isList: true, meaning: 'Prefix that lies behind a peer.' },
];

export function openConfigDesk(world: {
  readonly files: ConfigFiles;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostName: string;
}): ConfigDesk {
  const { files, env, hostName } = world;
  const locate = (flag: string | undefined): ConfigLocation => locateConfig(flag, env, (path) => files.exists(path));
  return {
    files,
    locate,
    show: showSettings,
    write: writeToml,
    template: writeTemplate,
    flags: [
      ...LIST_FLAGS,
      ...FIELDS.flatMap(({ field }) =>
        (field.flags ?? []).map((name) => ({
          name,
          kindName: field.kind.name,
          isList: field.kind.isList === true,
          meaning: field.meaning,
        })),
      ),
    ],
    loadText: (file, given = []) => loadSettings({ hostName, file, env, flags: given }),
    check: (name, text) => loadSettings({ hostName, file: { name, text } }),
    load: (configFlag, flags = []) => {
      const location = locate(configFlag);
      const read = files.read(location.path);
      if (!read.ok) return failWith([read.error]);
      const text = read.value;
      if (text === undefined && location.isExplicit) return failWith([missing(location.path)]);
      const file = text === undefined ? undefined : { name: location.path, text };
      const loaded = loadSettings({ hostName, file, env, flags });
      if (!loaded.ok) return loaded;
      const inForce = readInForce(loaded.value.settings, files);
      return ok({ ...loaded.value, location, fileExists: text !== undefined, inForce });
    },
  };
}

/** What was confirmed since; without a right to read it, or when it is damaged, the daemon says what is wrong. */
function readInForce(settings: Settings, files: ConfigFiles): NonNullable<LoadedSettings['inForce']> {
  const path = `${settings.node.stateDir}/${LISTEN_FILE}`;
  const text = files.read(path);
  const state = text.ok && text.value !== undefined ? decodeListenState(path, text.value) : undefined;
  const confirmed = state?.ok ? state.value.confirmed : undefined;
  if (!confirmed || !isInForce(confirmed, planListen(settings).addresses)) return new Map();
  const at = new Date(confirmed.atMs).toISOString();
  const origin = { kind: 'confirmed', by: confirmed.by, at, file: path } as const;
  return new Map([['discovery.listen', { value: confirmed.addresses.map(formatHostPort), origin }]]);
}

function missing(path: string): Failure {
  return fail('settings.no-file', `${path}: there is no such file`, { remedy: 'make one with quicether init' }).error;
}
