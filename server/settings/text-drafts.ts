import { nearest } from '../core/nearest.ts';
import type { Failure } from '../core/result.ts';
import { type Draft, envFailure, flagFailure, type Given, type GivenPeer } from './draft.ts';
import { envName, type Field } from './field.ts';
import type { Read } from './kinds.ts';
import { type PeerSettings, readPeerFlag, readRouteFlag } from './peers.ts';
import { FIELDS } from './schema.ts';

/** Names in the environment that are not keys: where to find things. */
const OTHER_ENV = ['QUICETHER_CONFIG', 'QUICETHER_SOCKET', 'QUICETHER_ENGINE'];

const BY_ENV: ReadonlyMap<string, Field<unknown>> = new Map(
  FIELDS.flatMap(({ field }) =>
    [envName(field.key), ...(field.shortEnv ? [field.shortEnv] : [])].map((name) => [name, field] as const),
  ),
);
const ENV_SECTIONS = [...new Set(FIELDS.map(({ section }) => `QUICETHER_${section.toUpperCase()}_`))];

/** What the environment says; a name in one of our sections that is no key is an error. */
export function draftFromEnv(env: Readonly<Record<string, string | undefined>>): Draft {
  const values = new Map<string, Given>();
  const failures: Failure[] = [];
  for (const [name, text] of Object.entries(env)) {
    const field = BY_ENV.get(name);
    if (text === undefined) continue;
    if (!field) {
      const failure = unknownEnv(name);
      if (failure) failures.push(failure);
      continue;
    }
    const long = env[envName(field.key)];
    if (name === field.shortEnv && long !== undefined) {
      if (long === text) continue;
      failures.push({
        code: 'settings.duplicate',
        message: `${envName(field.key)} and ${name} are both set and differ; keep one`,
      });
    }
    const read = field.kind.readText(text);
    if (read.ok) values.set(field.key, { value: read.value, origin: { kind: 'env', name } });
    else failures.push(...read.error.map((problem) => envFailure(name, problem)));
  }
  return { values, peers: [], failures };
}

function unknownEnv(name: string): Failure | undefined {
  if (!ENV_SECTIONS.some((section) => name.startsWith(section)) || OTHER_ENV.includes(name)) return undefined;
  const meant = nearest(name, BY_ENV.keys());
  return { code: 'settings.unknown-key', message: `${name}: unknown key${meant ? `; did you mean ${meant}?` : ''}` };
}

/** One flag as given: `{ name: '--tun-addr', text: '100.64.0.1/16' }`; repeated flags in their order. */
export interface GivenFlag {
  readonly name: string;
  readonly text: string;
}

/** What the flags say, and routes whose peers are not known before all sources are merged. */
export interface FlagDraft extends Draft {
  readonly routes: readonly {
    readonly flag: GivenFlag;
    readonly route: Extract<ReturnType<typeof readRouteFlag>, { ok: true }>['value'];
  }[];
}

const BY_FLAG: ReadonlyMap<string, Field<unknown>> = new Map(
  FIELDS.flatMap(({ field }) => (field.flags ?? []).map((flag) => [flag, field] as const)),
);

/** What the flags of `start` say. A flag that is not listed is a bug of the caller. */
export function draftFromFlags(flags: readonly GivenFlag[]): FlagDraft {
  const values = new Map<string, Given>();
  const peers: GivenPeer[] = [];
  const routes: FlagDraft['routes'][number][] = [];
  const failures: Failure[] = [];
  const take = <T>(flag: GivenFlag, read: Read<T>, use: (value: T) => void): void => {
    if (read.ok) use(read.value);
    else failures.push(...read.error.map((problem) => flagFailure(flag.name, problem.message)));
  };
  for (const [field, given] of byField(flags)) {
    const last = given.at(-1);
    if (!last) continue;
    const text = field.kind.isList ? given.map((flag) => flag.text).join(',') : last.text;
    take(last, field.kind.readText(text), (value) =>
      values.set(field.key, { value, origin: { kind: 'flag', name: last.name } }),
    );
  }
  for (const flag of flags) {
    if (flag.name === '--peer')
      take(flag, readPeerFlag(flag.text), (peer: PeerSettings) =>
        peers.push({ peer, origin: { kind: 'flag', name: '--peer' }, partPlace: () => undefined }),
      );
    else if (flag.name === '--route') take(flag, readRouteFlag(flag.text), (route) => routes.push({ flag, route }));
  }
  return { values, peers, failures, routes };
}

function byField(flags: readonly GivenFlag[]): Map<Field<unknown>, GivenFlag[]> {
  const groups = new Map<Field<unknown>, GivenFlag[]>();
  for (const flag of flags) {
    if (flag.name === '--peer' || flag.name === '--route') continue;
    const field = BY_FLAG.get(flag.name);
    if (!field) throw new Error(`no key for the flag ${flag.name}`);
    groups.set(field, [...(groups.get(field) ?? []), flag]);
  }
  return groups;
}
