/*
 * What runs beside the box that `bench -- web` measures, in its namespace, so that nothing but the
 * loopback is between them. The session's cookie comes from the environment.
 *
 * `web-client.ts times PORT COUNT` prints how long each of COUNT first pages took, in milliseconds, as JSON.
 * `web-client.ts watch PORT PATH VIEWERS` opens VIEWERS event streams, says `ready`, reads until SIGTERM and
 * prints how many bytes came.
 */
import { Agent, get } from 'node:https';

const [verb = '', port = '', ...rest] = process.argv.slice(2);
const Cookie = process.env['BENCH_COOKIE'] ?? '';

/** One source is slowed down when it asks for much: these are many people, each for a little. */
const PAGES_EACH = 20;
/** Not counted: the handshake and whatever a first request costs. */
const WARM_UP_PAGES = 100;

function sourceAddress(person: number): string {
  return `127.1.${person >> 8}.${(person & 255) + 1}`;
}

/** Milliseconds from asking to the last byte of the answer. */
function timePage(agent: Agent, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const request = get({ host: '127.0.0.1', port, path, agent, headers: { Cookie }, rejectUnauthorized: false });
    request.on('error', reject).on('response', (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - startedMs);
        else reject(new Error(`${path} answered ${response.statusCode}`));
      });
    });
  });
}

async function times(count: number): Promise<number[]> {
  const found: number[] = [];
  for (let person = 0; found.length < count + WARM_UP_PAGES; person++) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress: sourceAddress(person) });
    await timePage(agent, '/');
    for (let page = 0; page < PAGES_EACH; page++) found.push(await timePage(agent, '/'));
    agent.destroy();
  }
  return found.slice(WARM_UP_PAGES);
}

let receivedBytes = 0;

function watch(path: string, person: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ localAddress: sourceAddress(person) });
    const headers = { Cookie, Accept: 'text/event-stream' };
    get({ host: '127.0.0.1', port, path, agent, headers, rejectUnauthorized: false })
      .on('error', reject)
      .on('response', (response) => {
        if (response.statusCode !== 200) reject(new Error(`${path} answered ${response.statusCode}`));
        response.on('data', (chunk: Buffer) => {
          receivedBytes += chunk.length;
        });
        response.on('end', () => reject(new Error('a stream of events ended')));
        resolve();
      });
  });
}

if (verb === 'times') process.stdout.write(`${JSON.stringify(await times(Number(rest[0])))}\n`);
else {
  await Promise.all(Array.from({ length: Number(rest[1]) }, (_, person) => watch(rest[0] ?? '', person)));
  process.stdout.write('ready\n');
  process.on('SIGTERM', () => {
    process.stdout.write(`${JSON.stringify({ receivedBytes })}\n`);
    process.exit();
  });
}
