import type { Kind } from './kinds.ts';

/** What defaults may depend on. */
export interface DefaultFacts {
  readonly hostName: string;
  /** `node.state_dir` as resolved. */
  readonly stateDir: string;
}

/** One key of the configuration: its name everywhere, kind, default and meaning. */
export interface Field<T> {
  /** As in the file: `network.tun_addr`. */
  readonly key: string;
  readonly kind: Kind<T>;
  /** The default; computed when it depends on the box. */
  fallback(facts: DefaultFacts): T;
  /** The default in words, when its value alone does not tell. */
  readonly fallbackText?: string;
  /** One sentence for the documentation. */
  readonly meaning: string;
  /** Short name in the environment, beside `QUICETHER_SECTION_KEY`. */
  readonly shortEnv?: string;
  /** Flags of `start` that set it. */
  readonly flags?: readonly string[];
  /** The feature is not there yet: the key is checked, kept and without effect. */
  readonly notBuilt?: boolean;
}

type Extra = Partial<Pick<Field<never>, 'fallbackText' | 'shortEnv' | 'flags' | 'notBuilt'>>;

/** A key with a fixed default. */
export function field<T>(key: string, kind: Kind<T>, fallback: T, meaning: string, extra: Extra = {}): Field<T> {
  return { key, kind, fallback: () => fallback, meaning, ...extra };
}

/** Its name in the environment: `QUICETHER_NETWORK_TUN_ADDR`. */
export function envName(key: string): string {
  return `QUICETHER_${key.toUpperCase().replaceAll('.', '_')}`;
}
