import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import type { BOUNDS } from '../bounds.ts';
import { launchChromium } from '../browser/chromium.ts';
import { Visitor } from '../browser/visitor.ts';
import { type Box, rssBytesOf } from '../lab/box.ts';
import { run, sleep, until } from '../lab/command.ts';
import { Internet } from '../lab/office.ts';
import { startMesh, untilReachable } from '../lab/tunnel.ts';
import { WEB_PORT } from '../lab/web.ts';
import { withWorld } from '../lab/world.ts';
import { cpuSecondsOf } from './measure.ts';
import { percentile, rounded } from './statistics.ts';

const CLIENT = new URL('./web-client.ts', import.meta.url).pathname;
/** What is installed is one file: the sources would cost memory of their own. */
const BUILD = new URL('../../scripts/build.ts', import.meta.url).pathname;
const BUNDLE = new URL('../../build/quicether.js', import.meta.url).pathname;
const PAGES = 1000;
const VIEWERS = 50;
const WATCH_MS = 20_000;
/** After what came before, for garbage to go and timers to settle. */
const SETTLE_MS = 5000;

/** What the pages of one box cost, with one other office connected. */
export interface WebFigures {
  /** Over the wire on a first visit, all that the first page needs included. */
  readonly home_kb: number;
  /** The first page, asked on a connection that is open. */
  readonly home_p50_ms: number;
  readonly home_p99_ms: number;
  /** Resident, in bytes. */
  readonly rss_web: number;
  readonly rss_daemon: number;
  /** Share of one core that web and daemon take while 50 people watch the first page. */
  readonly viewers_cpu: number;
  /** What one of them heard meanwhile, for some 25 s. */
  readonly viewer_bytes: number;
  /** The same while nobody watches. */
  readonly idle_cpu: number;
}

export function measureWeb(say: (text: string) => void): Promise<WebFigures> {
  return withWorld({ say }, async (world) => {
    const internet = await Internet.create(world);
    const [leeds, york] = [await internet.office('leeds'), await internet.office('york')];
    await startMesh([leeds, york]);
    await untilReachable(leeds.box.host, (await york.box.overlay()).ipv4);
    const { box } = leeds;
    await run([process.execPath, BUILD]);
    box.web.useBundle(BUNDLE);
    // The second start, as on a box: the first one compiles.
    await box.web.start();
    await box.web.stop();
    await box.web.start();
    const browser = await launchChromium(internet.host);
    const { cookie, homeBytes, events } = await visit(browser, box, `https://${leeds.ipv4}:${WEB_PORT}`);
    await browser.close();
    say('first visit seen; now how long it takes');
    const times = JSON.parse(await box.host.run(client('times', String(PAGES)), withCookie(cookie, 120_000)));
    await sleep(SETTLE_MS);
    const memory = { web: rssBytesOf(box.web.pid()), daemon: rssBytesOf(box.daemonPid()) };
    const idleCpu = await cpuShare(box);
    say(`${VIEWERS} people watch`);
    const log = box.host.logFile('viewers');
    const words = client('watch', events, String(VIEWERS)).join(' ');
    const viewers = box.host.start('watch', ['sh', '-c', `exec ${words} > ${log}`], withCookie(cookie));
    await until('all of them', 20_000, async () => {
      if (viewers.hasEnded()) throw new Error(`they ended, see ${readFileSync(viewers.logFile, 'utf8')}`);
      return readFileSync(log, { encoding: 'utf8', flag: 'a+' }).includes('ready') || undefined;
    });
    await sleep(SETTLE_MS);
    const viewersCpu = await cpuShare(box);
    if (viewers.hasEnded()) throw new Error(`a viewer was sent away: ${readFileSync(viewers.logFile, 'utf8')}`);
    await viewers.stop(500);
    const { receivedBytes } = JSON.parse(readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '{}');
    if (!(receivedBytes > VIEWERS * 1000)) throw new Error(`${VIEWERS} viewers heard ${receivedBytes} bytes only`);
    return {
      home_kb: rounded(homeBytes / 1000),
      home_p50_ms: rounded(percentile(times, 0.5)),
      home_p99_ms: rounded(percentile(times, 0.99)),
      rss_web: memory.web,
      rss_daemon: memory.daemon,
      viewers_cpu: rounded(viewersCpu),
      viewer_bytes: Math.round(receivedBytes / VIEWERS),
      idle_cpu: rounded(idleCpu),
    };
  });
}

function client(verb: string, ...words: readonly string[]): string[] {
  return [
    process.execPath,
    CLIENT,
    verb,
    String(WEB_PORT),
    ...words.map((word) => (word.includes('&') ? `'${word}'` : word)),
  ];
}

function withCookie(cookie: string, timeoutMs = 30_000) {
  return { env: { BENCH_COOKIE: cookie }, timeoutMs };
}

/** Claims the box, then comes to its first page with an empty cache, signed in. */
async function visit(browser: Browser, box: Box, origin: string) {
  const owner = await Visitor.at(browser, origin);
  await owner.claim(await box.web.claimCode(), 'Anna', 'four quiet words here');
  const cookies = await owner.context.cookies();
  const visitor = await Visitor.at(browser, origin);
  await visitor.context.addCookies(cookies);
  const wire = await visitor.context.newCDPSession(visitor.page);
  let homeBytes = 0;
  await wire.send('Network.enable');
  wire.on('Network.loadingFinished', ({ encodedDataLength }) => {
    homeBytes += encodedDataLength;
  });
  await visitor.open('/');
  await visitor.page.waitForLoadState('load');
  await sleep(1000);
  const events = (await visitor.page.locator('#live').getAttribute('hx-sse:connect')) ?? '/events';
  await Promise.all([owner.close(), visitor.close()]);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  return { cookie, homeBytes, events };
}

/** Share of one core that the pages and the daemon of a box take together. */
async function cpuShare(box: Box): Promise<number> {
  const seconds = (): number => cpuSecondsOf(box.web.pid()) + cpuSecondsOf(box.daemonPid());
  const before = seconds();
  const startedMs = performance.now();
  await sleep(WATCH_MS);
  return (seconds() - before) / ((performance.now() - startedMs) / 1000);
}

/** Every promise that the figures do not hold, in words. */
export function judgeWeb(figures: WebFigures, bounds: (typeof BOUNDS)['web']): string[] {
  const most: readonly (readonly [keyof WebFigures, number])[] = [
    ['home_kb', bounds.mostHomeKb],
    ['home_p50_ms', bounds.mostHomeP50Ms],
    ['home_p99_ms', bounds.mostHomeP99Ms],
    ['rss_web', bounds.mostWebRssBytes],
    ['rss_daemon', bounds.mostDaemonRssBytes],
    ['viewers_cpu', bounds.mostViewersCpu],
  ];
  return most
    .filter(([name, bound]) => !(figures[name] <= bound))
    .map(([name, bound]) => `${name} is ${figures[name]}, at most ${bound} is promised`);
}
