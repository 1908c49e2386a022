// Ends well when the box's own pages answer.
import { request } from 'node:https';

const ask = request({ host: '127.0.0.1', port: 443, path: '/', rejectUnauthorized: false, timeout: 20_000 });
ask.on('response', ({ statusCode }) => process.exit(statusCode < 500 ? 0 : 1));
ask.on('timeout', () => process.exit(1));
ask.on('error', () => process.exit(1));
ask.end();
