import type { Plain } from './kinds.ts';
import type { Origin } from './origin.ts';
import { PEER_FIELDS, type PeerSettings } from './peers.ts';
import { CONFIG_VERSION, FIELDS } from './schema.ts';
import type { LoadedSettings } from './settings.ts';

/** One value as it is shown: key as in the file, plain value (null: unset), where it comes from. */
export interface ShownSetting {
  readonly key: string;
  readonly value: Plain;
  readonly origin: Origin;
  /** What the default is, in words, when it applies and its value alone does not tell. */
  readonly defaultText?: string;
}

/** Every key with its value in force, in the order of the documentation; peers last. */
export function showSettings({ settings, origins, inForce }: LoadedSettings): ShownSetting[] {
  const sections = settings as unknown as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const originOf = (key: string): Origin => origins.get(key) ?? { kind: 'default' };
  return [
    ...FIELDS.map(({ section, name, field }) => ({
      key: field.key,
      value: field.kind.toPlain(sections[section]?.[name]),
      origin: originOf(field.key),
      ...(field.fallbackText && originOf(field.key).kind === 'default' ? { defaultText: field.fallbackText } : {}),
      ...inForce?.get(field.key),
    })),
    ...settings.peers.map((peer, index) => ({
      key: `peers[${index}]`,
      value: plainPeer(peer),
      origin: originOf(`peers[${index}]`),
    })),
  ];
}

function plainPeer(peer: PeerSettings): Plain {
  const { kind } = PEER_FIELDS.address;
  return {
    ...(peer.nodeId === undefined ? {} : { node_id: peer.nodeId }),
    ...(peer.address ? { address: kind.toPlain(peer.address) } : {}),
    ...(peer.name === undefined ? {} : { name: peer.name }),
    prefixes: PEER_FIELDS.prefixes.kind.toPlain(peer.prefixes),
  };
}

/**
 * The settings as a configuration file that gives the same settings; unset keys are comments.
 *
 * `remark` is put behind each value as a comment.
 */
export function writeToml(shown: readonly ShownSetting[], remark: (one: ShownSetting) => string | undefined): string {
  const lines = [`version = ${CONFIG_VERSION}`];
  let table = '';
  for (const one of shown) {
    const comment = remark(one);
    const tail = comment === undefined ? '' : `  # ${comment}`;
    if (one.key.startsWith('peers[')) {
      lines.push('', `[[peers]]${tail}`);
      for (const [name, value] of Object.entries(one.value as Record<string, Plain>))
        lines.push(`${name} = ${tomlValue(value)}`);
      continue;
    }
    const dot = one.key.lastIndexOf('.');
    const parent = one.key.slice(0, dot);
    if (parent !== table) lines.push('', `[${parent}]`);
    table = parent;
    const name = one.key.slice(dot + 1);
    lines.push(one.value === null ? `# ${name} =${tail}` : `${name} = ${tomlValue(one.value)}${tail}`);
  }
  return `${lines.join('\n')}\n`;
}

function tomlValue(value: Plain): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, one]) => `${JSON.stringify(name)} = ${tomlValue(one)}`)
      .join(', ')} }`;
  }
  // DEL is the one character that JSON leaves bare and TOML does not allow.
  return JSON.stringify(value).replaceAll('\x7f', '\\u007f');
}
