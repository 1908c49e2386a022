import { type Failure, failWith, ok, type Result } from '../core/result.ts';
import { checkTogether } from './check.ts';
import type { Draft, Given } from './draft.ts';
import { type ConfigFile, draftFromFile } from './file-draft.ts';
import { mergePeers } from './merge-peers.ts';
import type { Origin } from './origin.ts';
import { FIELDS, type KeyedSettings } from './schema.ts';
import type { LoadedSettings, Settings } from './settings.ts';
import { draftFromEnv, draftFromFlags, type GivenFlag } from './text-drafts.ts';

/** Where settings come from; each source wins over the ones before it. */
export interface SettingsSources {
  /** For the default of `node.name`. */
  readonly hostName: string;
  readonly file?: ConfigFile | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly flags?: readonly GivenFlag[];
}

/** Settings from all sources, or everything that is wrong with them; never one without the other. */
export function loadSettings(sources: SettingsSources): Result<LoadedSettings, readonly Failure[]> {
  const drafts: Draft[] = [];
  if (sources.file) drafts.push(draftFromFile(sources.file));
  drafts.push(draftFromEnv(sources.env ?? {}));
  const flags = draftFromFlags(sources.flags ?? []);
  drafts.push(flags);

  const given = new Map(drafts.flatMap((draft) => [...draft.values]));
  const peers = mergePeers(
    drafts.flatMap((draft) => draft.peers),
    flags.routes,
  );
  const failures = [...drafts.flatMap((draft) => draft.failures), ...peers.failures];
  failures.push(...checkTogether(given, peers.peers));
  if (failures.length > 0) return failWith(inOrder(failures));

  const origins = new Map<string, Origin>();
  const settings: Settings = {
    ...assemble(given, sources.hostName, origins),
    peers: peers.peers.map(({ peer }) => peer),
  };
  for (const [index, { origin }] of peers.peers.entries()) origins.set(`peers[${index}]`, origin);
  return ok({ settings, origins, notices: notBuiltNotices(given) });
}

function assemble(given: ReadonlyMap<string, Given>, hostName: string, origins: Map<string, Origin>): KeyedSettings {
  const sections: Record<string, Record<string, unknown>> = {};
  let stateDir = '';
  for (const { section, name, field } of FIELDS) {
    const found = given.get(field.key);
    const value = found ? found.value : field.fallback({ hostName, stateDir });
    // First of all fields, because the default of others depends on it.
    if (field.key === 'node.state_dir') stateDir = String(value);
    origins.set(field.key, found?.origin ?? { kind: 'default' });
    const values = sections[section] ?? {};
    sections[section] = values;
    values[name] = value;
  }
  return sections as KeyedSettings;
}

function notBuiltNotices(given: ReadonlyMap<string, Given>): Failure[] {
  return FIELDS.flatMap(({ field }) => {
    const origin = given.get(field.key)?.origin;
    if (!field.notBuilt || !origin) return [];
    const message = `${field.key}: accepted, but without effect: this feature is not built yet`;
    return [{ code: 'settings.not-built', message, ...placeOf(origin) }];
  });
}

/** The place of an origin, when it is one in a file. */
function placeOf(origin: Origin): Pick<Failure, 'where'> {
  return origin.kind === 'file' ? { where: { file: origin.file, line: origin.line, column: origin.column } } : {};
}

/** In the order of the file, so that a person can work from top to bottom; then the others. */
function inOrder(failures: readonly Failure[]): Failure[] {
  return failures.toSorted((a, b) => {
    if (!a.where || !b.where) return Number(!a.where) - Number(!b.where);
    return a.where.line - b.where.line || a.where.column - b.where.column;
  });
}
