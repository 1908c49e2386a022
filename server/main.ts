/**
 * The program: daemon and command line in one. The only file that builds everything from its parts.
 *
 * What the daemon alone needs is imported when it starts, so that a verb answers at once.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { flushCompileCache } from 'node:module';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { configFiles } from './adapters/config-file.ts';
import type { EngineSupervisor } from './adapters/engine-supervisor.ts';
import { keyTool, locateEngine } from './adapters/key-tool.ts';
import type { Log } from './adapters/log.ts';
import type { LogBook } from './adapters/log-book.ts';
import { systemClock } from './adapters/system-clock.ts';
import type { DaemonContext, StartedDaemon, StartedWeb, StartOptions, WebPlan } from './cli/daemon-context.ts';
import { runProgram } from './cli/program.ts';
import { Undo } from './composition/undo.ts';
import { EXIT, type ExitStatus } from './core/failures.ts';
import type { HostPort } from './core/host-port.ts';
import { fail, ok, type Result } from './core/result.ts';
import type { EnginePort, Steering, World } from './operations/world.ts';
import type { LogCall } from './rpc/dispatch.ts';
import { openConfigDesk } from './settings/config-desk.ts';
import { formatOrigin } from './settings/origin.ts';

const SYSTEM_STATE_DIR = '/var/lib/quicether';
const SYSTEM_SOCKET = '/run/quicether/quicether.sock';
const SOCKET_NAME = 'quicether.sock';
const ENGINE_LOG = 'engine.log';
const ENGINE_SOCKET = 'engine.sock';
/** `sun_path` of the kernel, less the zero at its end. */
const MAX_SOCKET_PATH_BYTES = 107;
/** Group whose members may use the daemon, when there is one of this name. */
const GROUP = 'quicether';

const programPath = import.meta.filename;
const version = readVersion();

/** From the package.json of the checkout or of the installed program. */
function readVersion(): string {
  for (const folder of [dirname(programPath), join(dirname(programPath), '..')]) {
    try {
      const text = readFileSync(join(folder, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // Then the next place.
    }
  }
  return 'unknown';
}

/** Where the daemon of this machine is reached when nobody says. */
function defaultSocketPath(): string {
  const stateDir = process.env['QUICETHER_STATE_DIR'];
  if (process.env['QUICETHER_SOCKET']) return process.env['QUICETHER_SOCKET'];
  if (stateDir && stateDir !== SYSTEM_STATE_DIR) return join(stateDir, SOCKET_NAME);
  const checkout = join(dirname(programPath), '..', '.state', 'run', SOCKET_NAME);
  return existsSync(checkout) ? checkout : SYSTEM_SOCKET;
}

function listenPath(options: StartOptions): string {
  const asked = options.socketPath ?? process.env['QUICETHER_SOCKET'];
  if (asked) return asked;
  const { stateDir } = options.loaded.settings.node;
  return stateDir === SYSTEM_STATE_DIR ? SYSTEM_SOCKET : join(stateDir, SOCKET_NAME);
}

/** Brings the daemon up: state, engine, desired state, sockets; or undoes what was done and says why. */
async function startDaemon(options: StartOptions): Promise<Result<StartedDaemon>> {
  const undo = new Undo();
  const started = await bringUp(options, undo);
  if (!started.ok) await undo.run();
  return started;
}

async function bringUp(options: StartOptions, undo: Undo): Promise<Result<StartedDaemon>> {
  const { settings } = options.loaded;
  const { stateDir } = settings.node;
  const startedMs = systemClock.monotonicMs();
  const socketPath = listenPath(options);
  const engineBinary = locateEngine(process.env, programPath);
  if (!engineBinary.ok) return engineBinary;
  const ground = await openGround(stateDir, socketPath, undo);
  if (!ground.ok) return ground;
  const { logs, log } = await openLog(options);
  log.info({ version, pid: process.pid, stateDir, socketPath }, 'daemon starting');
  process.on('uncaughtExceptionMonitor', (error) => log.fatal({ err: error }, 'daemon fell over: this is a bug'));
  const parts = { options, log, undo, engineBinary: engineBinary.value };
  const { openAudit, auditEngine } = await import('./composition/open-audit.ts');
  const audit = await openAudit({ path: settings.security.auditLog, stateDir, version, log, undo });
  if (!audit.ok) return audit;
  const engine = await openEngine(parts);
  if (!engine.ok) return engine;
  const { supervisor, keep } = engine.value;
  const { openSteering } = await import('./composition/open-steering.ts');
  const steered = await openSteering({ settings, supervisor, log, undo });
  if (!steered.ok) return steered;
  const { steering, intent, found } = steered.value;
  auditEngine(supervisor, audit.value, steered.value);

  const { openHostView } = await import('./adapters/host-view.ts');
  const { openSystem, isSupervised } = await import('./composition/open-system.ts');
  const records = await openRecords(parts, { steering, engine: supervisor });
  const ended = Promise.withResolvers<ExitStatus>();
  const stop = createStop({ undo, supervisor, log, ended: ended.resolve });
  const { openTrials, settingsInForce } = await import('./composition/open-trials.ts');
  const trials = openTrials({ stateDir, found, steering, intent, audit: audit.value, undo });
  const shown = options.desk
    .show({ ...options.loaded, inForce: new Map() })
    .map((one) => ({ ...one, origin: formatOrigin(one.origin) }));
  const world: World = {
    clock: systemClock,
    version,
    startedMs,
    intent,
    steering,
    logs,
    settings: settingsInForce(shown, { trials, intent }),
    trials,
    ...records,
    audit: audit.value,
    host: openHostView(options.engineSocket ? undefined : join(stateDir, ENGINE_LOG)),
    system: openSystem(stateDir),
    restart: isSupervised ? () => void setTimeout(() => void stop(true, EXIT.restart), 20) : undefined,
    // After the answer is out.
    shutDown: ({ keepTunnel }) => void setTimeout(() => void stop(keepTunnel), 20),
  };
  const monitored = await openMonitoring(settings.monitoring, world, undo);
  if (!monitored.ok) return monitored;
  const sabotaged = process.env['QUICETHER_SABOTAGE']?.split(',');
  const shownWorld = sabotaged ? (await import('./composition/sabotage.ts')).sabotage(world, sabotaged) : world;
  const served = await openRpc({ ...parts, socketPath, world: shownWorld });
  if (!served.ok) return served;
  keep();
  // Now and not at the end, which may be a kill.
  flushCompileCache();
  log.info({ nodeId: intent.id, startMs: Math.round(systemClock.monotonicMs() - startedMs) }, 'daemon up');
  // Another program's engine (systemd) has a life of its own: it ends with `stop`, not with the daemon.
  const keepsTunnel = options.engineSocket !== undefined;
  return ok({ nodeId: intent.id, socketPath, ended: ended.promise, stop: () => stop(keepsTunnel) });
}

/** People, and how the offices are and were: what is kept besides the tunnel. */
async function openRecords({ options, log, undo }: Parts, tunnel: { steering: Steering; engine: EnginePort }) {
  const { node, security } = options.loaded.settings;
  const [{ openHealth }, { openBoxDatabase, openPeople }] = await Promise.all([
    import('./composition/open-health.ts'),
    import('./composition/open-people.ts'),
  ]);
  const database = openBoxDatabase(node.stateDir, log, undo);
  const people = openPeople({
    database,
    boxName: node.name,
    requiresSecondFactor: security.require2fa,
    claimFile: process.env['QUICETHER_CLAIM_FILE'],
    log,
    undo,
  });
  return { people, ...openHealth({ ...tunnel, database, log, undo }) };
}

interface Parts {
  readonly options: StartOptions;
  readonly log: Log;
  readonly undo: Undo;
  readonly engineBinary: string;
}

async function openLog(options: StartOptions): Promise<{ logs: LogBook; log: Log }> {
  const { node, monitoring } = options.loaded.settings;
  const [{ LogBook }, { createLog }] = await Promise.all([
    import('./adapters/log-book.ts'),
    import('./adapters/log.ts'),
  ]);
  const logs = new LogBook(join(node.stateDir, 'quicether.log'), {
    toStderr: !options.isBackground,
    clock: systemClock,
  });
  return { logs, log: createLog(monitoring.logLevel, logs) };
}

/** The engine, adopted or started. `keep` says that the daemon is up, so that giving up no longer ends it. */
async function openEngine(parts: Parts): Promise<Result<{ supervisor: EngineSupervisor; keep: () => void }>> {
  const { options, log, undo, engineBinary: binary } = parts;
  const { node, monitoring } = options.loaded.settings;
  const { EngineSupervisor } = await import('./adapters/engine-supervisor.ts');
  const socketPath = options.engineSocket ?? join(node.stateDir, ENGINE_SOCKET);
  const command = {
    binary,
    socketPath,
    keyFile: node.keyFile,
    logFile: join(node.stateDir, ENGINE_LOG),
    logLevel: monitoring.logLevel,
    stderrFile: join(node.stateDir, 'engine.stderr'),
  };
  const supervisor = new EngineSupervisor({
    clock: systemClock,
    log,
    socketPath,
    command: options.engineSocket ? undefined : command,
    isAdoptionOff: (process.env['QUICETHER_SABOTAGE'] ?? '').split(',').includes('no-adopt'),
  });
  // An engine that was there before us goes on when we cannot; one that we started would be left without a daemon.
  let isUp = false;
  undo.add(async () => {
    if (!isUp && supervisor.wasStarted) await supervisor.shutDown();
    else supervisor.release();
  });
  const keep = (): void => {
    isUp = true;
  };
  // Loaded while the engine's process comes up, which takes about as long.
  const started = await supervisor.start(() =>
    Promise.all([import('./rpc/dispatch.ts'), import('./composition/open-steering.ts')]),
  );
  return started.ok ? ok({ supervisor, keep }) : started;
}

/** State directory and socket, ours alone. */
async function openGround(stateDir: string, socketPath: string, undo: Undo): Promise<Result<void>> {
  const [{ openStateDir }, { lockState }, { freeSocketPath }] = await Promise.all([
    import('./adapters/state-dir.ts'),
    import('./adapters/state-lock.ts'),
    import('./rpc/server.ts'),
  ]);
  for (const path of [socketPath, join(stateDir, ENGINE_SOCKET)]) {
    if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) continue;
    return fail('daemon.socket', `${path}: too long for a socket; the kernel takes ${MAX_SOCKET_PATH_BYTES} bytes`, {
      remedy: 'choose a shorter --state-dir and --socket',
    });
  }
  const opened = openStateDir(stateDir);
  if (!opened.ok) return opened;
  const lock = lockState(stateDir);
  if (!lock.ok) return lock;
  undo.add(() => lock.value.release());
  const { explainStateError } = await import('./adapters/state-file.ts');
  try {
    mkdirSync(dirname(socketPath), { recursive: true, mode: 0o755 });
  } catch (error) {
    return explainStateError(dirname(socketPath), error);
  }
  return freeSocketPath(socketPath);
}

interface StopParts {
  readonly undo: Undo;
  readonly supervisor: { shutDown(): Promise<Result<void>> };
  readonly log: { info(fields: object, text: string): void; error(fields: object, text: string): void };
  readonly ended: (status: ExitStatus) => void;
}

type Stop = (keepTunnel: boolean, status?: ExitStatus) => Promise<void>;

function createStop({ undo, supervisor, log, ended }: StopParts): Stop {
  let stopping: Promise<void> | undefined;
  const stop = async (keepTunnel: boolean, status: ExitStatus): Promise<void> => {
    log.info({ keepTunnel }, 'daemon stopping');
    const result = keepTunnel ? ok(undefined) : await supervisor.shutDown();
    if (!result.ok) log.error(result.error, 'the engine did not end as it should');
    await undo.run();
    log.info({}, 'daemon ended');
    ended(result.ok ? status : EXIT.error);
  };
  return (keepTunnel, status = EXIT.ok) => (stopping ??= stop(keepTunnel, status));
}

interface MonitoringSettings {
  readonly metricsAddress: HostPort | undefined;
  readonly healthAddress: HostPort | undefined;
}

async function openMonitoring(settings: MonitoringSettings, world: World, undo: Undo): Promise<Result<void>> {
  if (!settings.metricsAddress && !settings.healthAddress) return ok(undefined);
  const [{ serveMonitoring }, { observeHealth }] = await Promise.all([
    import('./adapters/monitoring.ts'),
    import('./operations/observe-health.ts'),
  ]);
  const close = (server: Server): void => {
    server.close();
    server.closeAllConnections();
  };
  if (settings.metricsAddress) {
    const { metricsPage } = await import('./adapters/engine-metrics.ts');
    const page = metricsPage(version, () => world.steering.snapshot());
    const served = await serveMonitoring(settings.metricsAddress, page);
    if (!served.ok) return served;
    undo.add(() => close(served.value));
  }
  if (settings.healthAddress) {
    const served = await serveMonitoring(settings.healthAddress, {
      path: '/health',
      render: async () => {
        const health = await observeHealth(world);
        return {
          status: health.status === 'ok' ? 200 : 503,
          type: 'application/json',
          body: `${JSON.stringify(health)}\n`,
        };
      },
    });
    if (!served.ok) return served;
    undo.add(() => close(served.value));
  }
  return ok(undefined);
}

interface RpcParts extends Parts {
  readonly socketPath: string;
  readonly world: World;
}

async function openRpc({ options, socketPath, engineBinary, world, log, undo }: RpcParts): Promise<Result<void>> {
  const [{ RpcServer }, { createDispatch }, { groupId, groupsOf, observePeerCredentials, userId, userName }] =
    await Promise.all([
      import('./rpc/server.ts'),
      import('./rpc/dispatch.ts'),
      import('./adapters/peer-credentials.ts'),
    ]);
  const users = { ownUid: process.getuid?.() ?? 0, nameOf: userName };
  const logCall: LogCall = ({ audit, code, bug, ...fields }) => {
    if (bug) log.error({ ...fields, wanted: audit, err: bug }, 'operation failed in an unexpected way');
    else if (code) log[audit ? 'warn' : 'debug']({ ...fields, code, wanted: audit }, 'operation refused');
    else log[audit ? 'info' : 'debug']({ ...fields, audit }, 'operation');
  };
  const handler = createDispatch({ world, users, log: logCall });
  const server = await RpcServer.listen({
    path: socketPath,
    handler,
    clock: systemClock,
    observeCaller: (socket) => observePeerCredentials(engineBinary, socket),
    groupsOf,
    gid: process.getuid?.() === 0 ? groupId(GROUP) : undefined,
    webUid: () => userId(options.loaded.settings.security.webUser),
    log,
  });
  if (!server.ok) return server;
  undo.add(() => server.value.close());
  return ok(undefined);
}

/** Brings the pages up; only this process has anything to do with HTTP. */
async function startWeb(plan: WebPlan): Promise<Result<StartedWeb>> {
  const [{ openWeb }, { openFront }, { createLog }] = await Promise.all([
    import('./http/open-web.ts'),
    import('./http/daemon-lines.ts'),
    import('./adapters/log.ts'),
  ]);
  const log = createLog(plan.logLevel, process.stderr);
  process.on('uncaughtExceptionMonitor', (error) => log.fatal({ err: error }, 'the pages fell over: this is a bug'));
  const opened = await openWeb({
    ...plan,
    hostName: hostname(),
    assetDir:
      [join(dirname(programPath), 'assets'), join(dirname(programPath), '../views/assets')].find(existsSync) ?? '',
    openLine: openFront(plan.socketPath, version),
    engineBinary: () => locateEngine(process.env, programPath),
    clock: systemClock,
    log,
  });
  if (!opened.ok) return opened;
  flushCompileCache();
  const { certificate, addresses, close } = opened.value;
  return ok({ words: certificate.words, fingerprint: certificate.fingerprint, addresses, close });
}

let status: ExitStatus = EXIT.ok;
const context: DaemonContext = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  env: process.env,
  cwd: process.cwd(),
  isTty: process.stdout.isTTY === true,
  exit: (wanted) => {
    if (wanted > status) status = wanted;
    process.exitCode = status;
  },
  config: openConfigDesk({ files: configFiles, env: process.env, hostName: hostname() }),
  keys: keyTool(process.env, programPath),
  version,
  programPath,
  defaultSocketPath: defaultSocketPath(),
  startDaemon,
  startWeb,
  webFingerprint: async (stateDir) => (await import('./http/certificate.ts')).readCertificate(stateDir),
};

// A reader that went away (`quicether logs | head`) is no error.
process.stdout.on('error', () => process.exit(status));
await runProgram(process.argv, context);
