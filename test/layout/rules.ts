/**
 * Who may import whom, and why not.
 *
 * A folder lists what it may import; everything else is banned, for the reason of the first ban
 * that fits, else for the folder's own. `types` means `import type` only.
 */
export type LayerRule = {
  /** Folder below the root, with a slash at the end, or one file. */
  readonly place: string;
  readonly mayImport: readonly string[];
  readonly mayImportTypesOf?: readonly string[];
  /** Packages from the registry, and `node:` for all of Node's own. */
  readonly packages: readonly string[];
  /** Whether it gets time, randomness and effects handed in. */
  readonly pure: boolean;
  readonly reason: string;
};

export type Ban = { readonly from: string; readonly to: string; readonly reason: string };

export const DOMAINS = [
  'server/identity/',
  'server/network/',
  'server/dht/',
  'server/routing/',
  'server/policy/',
  'server/audit/',
  'server/lines/',
  'server/settings/',
  'server/people/',
];

const domainRules: readonly LayerRule[] = DOMAINS.map((place) => ({
  place,
  mayImport: ['server/core/', place],
  packages: ['smol-toml', 'zod'],
  pure: true,
  reason: 'a domain stands on core alone, so that it can be read, tested and simulated by itself',
}));

export const LAYERS: readonly LayerRule[] = [
  {
    place: 'server/main.ts',
    mayImport: ['server/'],
    packages: ['node:', 'commander', 'pino', 'prom-client', 'zod'],
    pure: false,
    reason: 'the composition root builds what is in server/ and nothing else',
  },
  {
    place: 'server/composition/',
    mayImport: ['server/'],
    packages: ['node:'],
    pure: false,
    reason: 'parts of the composition root, so that it stays short enough to read',
  },
  {
    place: 'server/core/',
    mayImport: ['server/core/'],
    packages: [],
    pure: true,
    reason: 'everything stands on core, so core knows nothing of what stands on it',
  },
  ...domainRules,
  {
    place: 'server/operations/',
    mayImport: ['server/core/', 'server/operations/', ...DOMAINS],
    packages: ['zod'],
    pure: false,
    reason:
      'an operation composes domains and is handed its ports; who serves it or does its effects is not its concern',
  },
  {
    place: 'server/rpc/',
    mayImport: ['server/core/', 'server/rpc/', 'server/operations/'],
    mayImportTypesOf: DOMAINS,
    packages: ['node:', 'zod'],
    pure: false,
    reason: 'a surface serves the list of operations; what they decide on stays behind them',
  },
  {
    place: 'server/http/',
    mayImport: ['server/core/', 'server/http/', 'server/operations/', 'server/rpc/', 'views/'],
    mayImportTypesOf: DOMAINS,
    packages: ['node:', 'hono', '@hono/', '@scure/bip39', 'uqr', 'zod'],
    pure: false,
    reason: 'the web front has no state and no rights of its own: it asks the daemon and renders the answer',
  },
  {
    place: 'server/cli/',
    mayImport: ['server/core/', 'server/cli/', 'server/rpc/'],
    mayImportTypesOf: ['server/operations/', ...DOMAINS],
    packages: ['node:', 'commander'],
    pure: false,
    reason: 'a command asks the daemon; what it cannot ask it is handed by the composition root',
  },
  {
    place: 'server/adapters/',
    mayImport: ['server/core/', 'server/adapters/'],
    mayImportTypesOf: ['server/operations/', ...DOMAINS],
    packages: ['node:', 'pino', 'prom-client', 'zod'],
    pure: false,
    reason: 'an adapter fulfils a port that a domain declares; deciding is not its work',
  },
  {
    place: 'views/',
    mayImport: ['server/core/', 'views/'],
    mayImportTypesOf: DOMAINS,
    packages: ['hono', 'uqr'],
    pure: true,
    reason: 'a view turns a model into HTML and knows nothing of where either comes from or goes',
  },
];

/** Bans that deserve more than the folder's reason; they hold against what is allowed above, too. */
export const BANS: readonly Ban[] = [
  ...DOMAINS.flatMap((from) =>
    DOMAINS.filter((to) => to !== from).map((to) => ({
      from,
      to,
      reason: 'domains never import each other: an operation composes them',
    })),
  ),
  { from: 'server/', to: 'server/main.ts', reason: 'what the composition root builds cannot depend on it' },
  ...['adapters', 'cli', 'core', 'http', 'operations', 'rpc'].map((folder) => ({
    from: `server/${folder}/`,
    to: 'server/composition/',
    reason: 'what the composition root builds cannot depend on it',
  })),
  { from: 'server/', to: 'test/', reason: 'the product does not ship its tests' },
  { from: 'server/', to: 'scripts/', reason: 'the product does not ship its tasks' },
  {
    from: 'server/cli/',
    to: 'server/rpc/server.ts',
    reason: 'the command line is a client: with the server it would run operations without being authorised',
  },
  {
    from: 'server/http/',
    to: 'server/rpc/server.ts',
    reason: 'the web front is a client: a hole in it must not give more than its callers may do',
  },
];

/** The messages as generated from Rust: types without a line of code. */
export const ENGINE_MESSAGES = 'server/adapters/engine-messages.ts';
/** Only these may name its messages in code that runs. */
export const ENGINE_CLIENT = /^server\/adapters\/engine[a-z-]*\.ts$/;
/** These work out what is desired and tell what is, in the engine's own words, so they may use its types. */
export const ENGINE_WORDS = ['server/routing/', 'server/operations/'];
export const ENGINE_REASON = 'adapters/engine*.ts is the only client of the engine: its messages end there';

/** What a pure file is handed instead. */
export const IMPURE: readonly { readonly pattern: RegExp; readonly name: string; readonly reason: string }[] = [
  {
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)/,
    name: 'the wall clock',
    reason: 'time comes from the Clock that is handed in',
  },
  { pattern: /\bperformance\s*\./, name: 'performance', reason: 'time comes from the Clock that is handed in' },
  {
    pattern: /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/,
    name: 'a timer',
    reason: 'timers come from the Clock that is handed in, so that simulated time fires them',
  },
  {
    pattern: /\bMath\.random\b/,
    name: 'Math.random',
    reason: 'randomness comes from the Rng that is handed in, so that a seed repeats a failure',
  },
  {
    pattern: /(?<![.\w])crypto\s*\./,
    name: 'crypto',
    reason: 'keys and randomness are handed in by the composition root',
  },
  { pattern: /(?<![.\w])process\s*\./, name: 'process', reason: 'environment and arguments are handed in as values' },
  { pattern: /(?<![.\w])fetch\s*\(/, name: 'fetch', reason: 'effects live in adapters' },
  { pattern: /(?<![.\w])console\s*\./, name: 'console', reason: 'a rule returns what it found; who called it says so' },
];

/** What tests beside the code may use on top of what their folder may. */
export const TEST_PACKAGES = ['node:', 'vitest', 'fast-check', '@noble/ed25519', 'smol-toml', 'zod'];

export type CrateRule = {
  readonly crate: string;
  readonly mayDependOn: readonly string[];
  /** Crates from the registry, when they are counted; undefined: any. */
  readonly registry?: readonly string[];
  readonly pure: boolean;
  readonly reason: string;
};

export const CRATES: readonly CrateRule[] = [
  {
    crate: 'wire',
    mayDependOn: [],
    registry: [],
    pure: true,
    reason: 'framing is codecs over bytes: nothing stands below it, and a fuzzer runs it alone',
  },
  {
    crate: 'core',
    mayDependOn: ['wire'],
    registry: ['bech32'],
    pure: true,
    reason: 'the rules of the packet path are driven, not driving: no sockets, no threads, no clock',
  },
  {
    crate: 'bundle',
    mayDependOn: [],
    registry: ['serde', 'serde_json'],
    pure: true,
    reason: 'what an update bundle is, is codecs over bytes: a fuzzer runs them without a file or a key',
  },
  {
    crate: 'runtime',
    mayDependOn: ['core', 'wire'],
    pure: false,
    reason:
      'threads and sockets drive the rules; routes of the kernel are the concern of host, and engine joins the two',
  },
  {
    crate: 'host',
    mayDependOn: ['core', 'wire'],
    pure: false,
    reason: 'what is asked of the kernel does not depend on how packets run; engine joins the two',
  },
  {
    crate: 'engine',
    mayDependOn: ['runtime', 'host', 'core', 'wire'],
    pure: false,
    reason: 'the binary joins runtime and host; test programs stay out of the privileged process',
  },
  {
    crate: 'system',
    mayDependOn: ['bundle'],
    registry: ['aws-lc-rs', 'lexopt', 'libc', 'serde', 'serde_json'],
    pure: false,
    reason: 'the root process of the appliance is small: nothing of the tunnel and few strangers are in it',
  },
  {
    crate: 'fuzz',
    mayDependOn: ['bundle', 'core', 'wire'],
    registry: [],
    pure: false,
    reason: 'hostile bytes go to the pure crates alone, so that a run needs no rights and builds in seconds',
  },
  {
    crate: 'lab',
    mayDependOn: ['wire'],
    pure: false,
    reason: "the yardstick stands apart: with the product's code inside, it would measure the product with itself",
  },
];

export const RUST_IMPURE: readonly { readonly pattern: RegExp; readonly name: string; readonly reason: string }[] = [
  {
    pattern: /\b(?:Instant|SystemTime)::now\b/,
    name: 'the clock',
    reason: 'now is an argument, so that a simulator can pass its own',
  },
  {
    pattern: /\bstd::(?:fs|thread|process|env|io)\b/,
    name: 'an effect of std',
    reason: 'effects live in runtime, host and engine',
  },
  {
    pattern: /\b(?:UdpSocket|TcpStream|TcpListener|UnixStream)\b/,
    name: 'a socket',
    reason: 'sockets live in runtime and engine',
  },
  {
    pattern: /\bunsafe\s*(?:\{|fn|impl)/,
    name: 'unsafe',
    reason: 'rules and codecs need none; what needs it lives in runtime and host',
  },
];

export const MOST_LINES = { ts: 400, rs: 800 } as const;
/** Generated: read by nobody, split by nobody. */
export const UNMEASURED = [ENGINE_MESSAGES];
export const VAGUE_NAMES = ['util', 'utils', 'helper', 'helpers', 'manager', 'common', 'misc', 'shared'];
