import type { ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { surfaceOf } from '../../core/failures.ts';
import type { Failure, Result } from '../../core/result.ts';
import { sessionOf, zoneOf } from '../cookies.ts';
import type { App, Front, WebContext, WhoIsIt } from '../front.ts';
import type { LiveHub } from '../live-hub.ts';
import type { EventSink } from '../live-viewers.ts';

/** `GET /events?show=pulse,offices&of=KEY`: what pages show, as it changes. */
export function registerEvents(app: App, front: Front, hub: LiveHub): void {
  app.get('/events', async (c) => {
    if (c.req.method === 'HEAD') return c.body(null);
    const session = sessionOf(c);
    if (!session) return refuse(c, { code: 'permission.signed-out', message: 'sign in' });
    const source = front.sourceOf(c);
    // Browsers come back by themselves: a page left open does not keep a session from ending.
    const onBehalf = { session, source, surface: 'page', is_background: true } as const;
    const me = (await front.daemon.call('GetMe', {}, { onBehalf })) as Result<WhoIsIt>;
    if (!me.ok) return refuse(c, me.error);
    const { role, must_enrol } = me.value;
    if (role === null || must_enrol)
      return refuse(c, { code: 'permission.second-factor', message: 'set up a second factor first' });
    const watching = {
      session,
      source,
      role,
      zone: zoneOf(c),
      show: (c.req.query('show') ?? '').split(',').filter((name) => name !== ''),
      of: (c.req.query('of') ?? '').slice(0, 128),
    };
    const topics = hub.admit(watching);
    if (!topics.ok) return refuse(c, topics.error);
    const sink = openStream(c);
    hub.join(sink, watching, topics.value);
    return RESPONSE_ALREADY_SENT;
  });
}

/** A script asked, not a person: the failure in one line. */
function refuse(c: WebContext, failure: Failure): Response {
  const { http } = surfaceOf(failure.code);
  if (http === 503) c.header('Retry-After', '5');
  return c.text(`${failure.message}\n`, http as 503);
}

/**
 * The answer, written to directly: what goes out is the same for all who watch, and is not copied
 * through a web stream for each of them. Over HTTP/2 there is no `Transfer-Encoding`, and nothing
 * here sets one.
 */
function openStream(c: WebContext): EventSink {
  // Node's two kinds of answer agree in what is used here; their types do not.
  const outgoing = c.env.outgoing as ServerResponse;
  outgoing.statusCode = 200;
  outgoing.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  outgoing.setHeader('Cache-Control', 'no-store');
  outgoing.setHeader('X-Accel-Buffering', 'no');
  outgoing.write(Buffer.from('retry: 2000\n\n'));
  return outgoing;
}
