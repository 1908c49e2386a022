// Ends well when the daemon has its engine and its own pages answer; says what is missing otherwise.
// With the word `claimed` it only says whether the box has an owner: yes or no.
import { request } from 'node:https';
import { connect } from 'node:net';

const TIMEOUT_MS = 20_000;
const end = (why) => {
  if (why) process.stdout.write(`${why}\n`);
  process.exit(why ? 1 : 0);
};
setTimeout(() => end('no answer in time'), TIMEOUT_MS);

/** One call over the daemon's socket: a greeting, then the question. */
function askDaemon(method) {
  return new Promise((resolve, reject) => {
    const socket = connect('/run/quicether/quicether.sock');
    let text = '';
    const say = (id, name, params) => socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method: name, params })}\n`);
    socket.on('error', () => reject(new Error('the daemon does not answer')));
    socket.on('connect', () => {
      say(1, 'Hello', { protocol: 1, client: 'gw-health' });
      say(2, method, {});
    });
    socket.on('data', (chunk) => {
      text += chunk;
      const answer = text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
        .find(({ id }) => id === 2);
      if (!answer) return;
      socket.destroy();
      if (answer.error) reject(new Error(`the daemon says: ${answer.error.message}`));
      else resolve(answer.result);
    });
  });
}

function askWeb() {
  return new Promise((resolve, reject) => {
    const ask = request({ host: '127.0.0.1', port: 443, path: '/', rejectUnauthorized: false });
    ask.on('response', ({ statusCode }) => {
      if (statusCode < 500) resolve();
      else reject(new Error(`the web answers with status ${statusCode}`));
    });
    ask.on('error', () => reject(new Error('the web does not answer')));
    ask.end();
  });
}

try {
  if (process.argv[2] === 'claimed') {
    const { claimed } = await askDaemon('GetClaimState');
    process.stdout.write(claimed ? 'yes\n' : 'no\n');
    process.exit(0);
  }
  const status = await askDaemon('GetStatus');
  if (!JSON.stringify(status).includes('qe1')) end('the daemon has no engine');
  await askWeb();
  end();
} catch (error) {
  end(error.message);
}
