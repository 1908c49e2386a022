import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { fail, ok, type Result } from '../core/result.ts';

/** A page of monitoring: its path and what it says. */
export interface MonitoringPage {
  readonly path: string;
  render(): Promise<{ readonly status: number; readonly type: string; readonly body: string }>;
}

/** Serves one page over HTTP on an address of its own; nothing else is there. */
export function serveMonitoring(address: HostPort, page: MonitoringPage): Promise<Result<Server>> {
  const server = createServer((request, response) => void answer(request, response, page));
  // A scraper asks one short question at a time; more is somebody else.
  server.maxConnections = 32;
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 30_000;
  return new Promise((resolve) => {
    server.on('error', (error) => {
      const remedy = 'choose a free address and port for it';
      resolve(
        fail('daemon.monitoring', `${formatHostPort(address)}: cannot serve ${page.path} there: ${error.message}`, {
          remedy,
        }),
      );
    });
    server.listen(address.port, address.host, () => resolve(ok(server)));
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, page: MonitoringPage): Promise<void> {
  const path = (request.url ?? '').split('?')[0];
  if (path !== page.path || (request.method !== 'GET' && request.method !== 'HEAD')) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end(`only ${page.path} is here\n`);
    return;
  }
  try {
    const { status, type, body } = await page.render();
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
  } catch (error) {
    response.writeHead(500, { 'content-type': 'text/plain' }).end(`${(error as Error).message}\n`);
  }
}
