import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../core/clock.ts';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { ok, type Result } from '../core/result.ts';
import { AllowedHosts, EVERY_BOX, hostOf } from './allowed-hosts.ts';
import { buildApp } from './app.ts';
import { Assets } from './assets.ts';
import { type BoxCertificate, openCertificate } from './certificate.ts';
import { DaemonLines, type OpenLine } from './daemon-lines.ts';
import { createListener } from './listener.ts';
import { LiveHub } from './live-hub.ts';
import { WebFront } from './make-front.ts';
import { allPages, mountApi } from './page-list.ts';
import type { Rates } from './rates.ts';
import { type DoorLimits, TlsDoor } from './tls-door.ts';

export interface WebOptions {
  readonly listen: readonly HostPort[];
  /** Further names that the box is known under. */
  readonly hosts: readonly string[];
  /** Where key and certificate are kept. */
  readonly stateDir: string;
  readonly hostName: string;
  /** Folder of the files that pages load. */
  readonly assetDir: string;
  readonly openLine: OpenLine;
  readonly engineBinary: () => Result<string>;
  readonly clock: Clock;
  readonly log: WebLog;
  readonly rates?: Rates;
  readonly limits?: Partial<DoorLimits>;
}

export interface WebLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** A web front that serves. */
export interface OpenWeb {
  readonly addresses: readonly HostPort[];
  readonly certificate: BoxCertificate;
  close(): void;
}

/** What the engine takes. */
const MOST_NAMES = 64;
/** How often it is looked whether the certificate ends soon. */
const CERTIFICATE_CHECK_MS = 12 * 3_600_000;

/** Brings the pages up: certificate, routes, ports; or says why not, and nothing is left open. */
export async function openWeb(options: WebOptions): Promise<Result<OpenWeb>> {
  const { clock, log } = options;
  // Where it was told to listen is an address of its own, also while the cable is not in yet.
  const told = options.listen.map(({ host }) => host).filter((host) => host !== '0.0.0.0' && host !== '::');
  const names = namesFor([options.hostName, ...EVERY_BOX, ...options.hosts, ...told, ...ownAddresses()]);
  const place = { stateDir: options.stateDir, names, engineBinary: options.engineBinary };
  const opened = await openCertificate(place, clock.nowMs());
  if (!opened.ok) return opened;
  let certificate: BoxCertificate = opened.value;
  tellMade(log, opened.value);

  const daemon = new DaemonLines(options.openLine, clock, (failure) => {
    if (failure) log.warn(failure, 'the daemon cannot be reached');
    else log.info({}, 'the daemon is back');
  });
  const hub = new LiveHub(daemon, clock);
  const assets = new Assets(options.assetDir);
  const front = new WebFront({ daemon, clock, assetOf: assets.pathOf, addTopic: hub.add });
  const app = buildApp({
    front,
    hub,
    assets,
    pages: allPages(() => certificate),
    mountApi: (to) => mountApi(to, front, clock),
    log,
  });
  const allowed = new AllowedHosts([options.hostName, ...options.hosts, ...told], ownAddresses, () =>
    clock.monotonicMs(),
  );
  const isOurHost = (host: string): boolean => allowed.allows(host);
  const listener = createListener({ app, clock, isOurHost, rates: options.rates });
  const door = new TlsDoor({ pem: certificate.pem, listener, isOurHost, limits: options.limits ?? {} });
  const stopWatching = watchCertificate(options, place, (renewed) => {
    certificate = renewed;
    door.renew(renewed.pem);
  });
  const close = (): void => {
    stopWatching();
    hub.close();
    door.close();
    daemon.close();
  };
  const addresses: HostPort[] = [];
  for (const address of options.listen) {
    const listening = await door.listen(address);
    if (!listening.ok) {
      close();
      return listening;
    }
    addresses.push(listening.value);
  }
  log.info({ addresses: addresses.map(formatHostPort) }, 'pages are served');
  return ok({ addresses, certificate, close });
}

function watchCertificate(
  { clock, log }: WebOptions,
  place: Parameters<typeof openCertificate>[0],
  renew: (certificate: BoxCertificate) => void,
): () => void {
  let cancel = (): void => undefined;
  const look = async (): Promise<void> => {
    const opened = await openCertificate(place, clock.nowMs());
    if (!opened.ok) log.error(opened.error, 'the certificate of the pages cannot be renewed');
    else if (opened.value.madeWhy !== undefined) {
      tellMade(log, opened.value);
      renew(opened.value);
    }
    cancel = clock.setTimer(CERTIFICATE_CHECK_MS, () => void look());
  };
  cancel = clock.setTimer(CERTIFICATE_CHECK_MS, () => void look());
  return () => cancel();
}

function tellMade(log: WebLog, { madeWhy, words }: BoxCertificate & { readonly madeWhy?: string }): void {
  if (madeWhy !== undefined) log.warn({ why: madeWhy, words: words.join(' ') }, 'a new certificate was made');
}

/** What of these a certificate can name: no address that means something else on every link, no odd host name. */
function namesFor(names: readonly string[]): readonly string[] {
  const fit = names.filter((name) => (isIP(name) ? !/^fe80:/i.test(name) : hostOf(name) !== undefined));
  return [...new Set(fit.map((name) => name.replace(/\.$/, '')))].slice(0, MOST_NAMES);
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((of) => (of ?? []).map(({ address }) => address));
}
