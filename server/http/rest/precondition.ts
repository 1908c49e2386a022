import { failWith, ok } from '../../core/result.ts';
import { encodeBody } from './answer.ts';
import { itemOf } from './collections.ts';
import { entityTag, hasTag } from './entity-tag.ts';
import { type RestResult, refuse } from './rest-failure.ts';
import { BASE, type Found, ownerOf, type Route } from './routes.ts';

/** Asks the daemon in the name of whoever sent the request. */
export type AskHere = (method: string, params: object) => Promise<RestResult<unknown>>;

/** What a change is compared with: one item of a list, or what a GET at the same path shows. */
interface Subject {
  readonly path: string;
  observe(ask: AskHere): Promise<RestResult<object | undefined>>;
}

/**
 * Whether the thing to be changed is still as the caller has seen it.
 *
 * A PUT of something that can be read has to say so (428): two administrators who edit one thing would
 * otherwise undo each other without a word. Elsewhere If-Match is taken when it comes.
 */
export async function checkPrecondition(
  found: Found,
  routes: readonly Route[],
  request: Request,
  ask: AskHere,
): Promise<RestResult<void>> {
  const wanted = request.headers.get('if-match');
  const subject = subjectOf(found, routes);
  const where = { in: 'header', field: 'If-Match' } as const;
  if (wanted === null) {
    if (!needsIfMatch(found.route, routes)) return ok(undefined);
    return refuse('rest.if-match-needed', `${found.route.verb} ${found.route.path} needs If-Match`, {
      where,
      remedy: `GET ${subject?.path} and send its ETag as If-Match, or * to overwrite whatever is there`,
    });
  }
  if (!subject) {
    return refuse('rest.changed', `${found.route.path} has no state that If-Match could be compared with`, {
      where,
      remedy: 'leave If-Match out',
    });
  }
  const now = await subject.observe(ask);
  if (!now.ok) return now;
  const isSame = now.value !== undefined && hasTag(wanted, entityTag(encodeBody(now.value)), 'strong');
  if (isSame) return ok(undefined);
  return refuse('rest.changed', now.value ? `${subject.path} is not as you have seen it` : `${subject.path} is gone`, {
    where,
    remedy: `GET ${subject.path}, look at what has changed, and send its new ETag`,
  });
}

/** Whether a route is refused without If-Match. */
export function needsIfMatch(route: Route, routes: readonly Route[]): boolean {
  if (route.verb !== 'PUT') return false;
  const params = Object.fromEntries(route.path.split('/').map((one) => [one.slice(1, -1), 'x']));
  return subjectOf({ route, params }, routes) !== undefined;
}

function subjectOf(found: Found, routes: readonly Route[]): Subject | undefined {
  const owner = ownerOf(routes, found);
  if (owner?.list.collection) {
    const { collection, operation, path } = owner.list;
    return {
      path: `${BASE}${path}/${encodeURIComponent(owner.name)}`,
      async observe(ask) {
        const all = await ask(operation.method, {});
        return all.ok ? ok(itemOf(all.value, collection, owner.name)) : failWith(all.error);
      },
    };
  }
  const same = routes.find(({ verb, path }) => verb === 'GET' && path === found.route.path);
  if (!same) return undefined;
  return {
    path: `${BASE}${same.path}`,
    observe: (ask) => ask(same.operation.method, found.params) as Promise<RestResult<object | undefined>>,
  };
}
