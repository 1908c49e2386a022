// The page of a box whose data partition cannot be used. It shows nothing of the box and takes nothing.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

const [, , folder] = process.argv;
const page = `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>QuicEther: rescue</title>
<h1>This box cannot read its data</h1>
<p>Its data partition is damaged or missing, so it does not carry any traffic now. Nothing on it was changed.</p>
<p>Switch the box off and on once. If this page comes back, connect a screen and a keyboard, or a serial cable:</p>
<ul><li>to keep the data, take the disk out and have it looked at;</li>
<li>to start anew, type <code>factory-reset</code> there. That deletes everything on the box, its identity too.</li></ul>
</html>\n`;
const pem = readFileSync(join(folder, 'web.pem'));
const options = { key: pem, cert: pem, headersTimeout: 5000, requestTimeout: 5000 };
const server = createServer(options, (request, response) => {
  request.resume();
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    'cache-control': 'no-store',
  };
  response.writeHead(503, headers).end(page);
});
server.maxConnections = 50;
server.listen(443, () => writeFileSync('/dev/kmsg', '<3>gw-rescue: the page is there\n'));
