import { hostOf } from './allowed-hosts.ts';

/** What is known of a request before anything looks at what it asks for. */
export interface Asked {
  readonly method: string;
  /** As it came: path and query. */
  readonly target: string;
  /** `Host` headers and `:authority`, all of them. */
  readonly hosts: readonly string[];
  readonly headerCount: number;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
}

/** Why a request is not even looked at. */
export interface Refusal {
  readonly status: 400 | 403 | 405 | 414 | 421 | 429 | 431;
  readonly title: string;
  readonly text: string;
  readonly retryAfterSec?: number;
}

export interface GuardRules {
  readonly isOurHost: (host: string) => boolean;
  /** Seconds that this source has to wait; 0 when it need not. */
  readonly waitSec: () => number;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
const READING = new Set(['GET', 'HEAD']);
const LONGEST_TARGET = 4_096;
const MOST_HEADERS = 64;

/**
 * Refuses what no route should ever see; undefined when the request may go on.
 *
 * Host first: whoever reached us under a name that is not ours learns nothing else.
 */
export function decideGuard(asked: Asked, rules: GuardRules): Refusal | undefined {
  const waitSec = rules.waitSec();
  if (waitSec > 0) return tooOften(waitSec);
  return refuseHost(asked, rules) ?? refuseShape(asked) ?? refuseForeign(asked);
}

function refuseHost({ hosts }: Asked, { isOurHost }: GuardRules): Refusal | undefined {
  const [host] = hosts;
  if (host === undefined || hosts.some((other) => other !== host)) {
    return { status: 400, title: 'Whom this asks for is not clear', text: 'A request names one host, once.' };
  }
  if (isOurHost(host)) return undefined;
  const shown = hostOf(host) ?? 'that name';
  return {
    status: 421,
    title: 'This box does not answer to that name',
    text: `Open it by its address or by its own name. If ${shown} is meant to be this box, your consultant adds it to hosts in the section [web] of its configuration.`,
  };
}

function refuseShape({ method, target, headerCount }: Asked): Refusal | undefined {
  if (!METHODS.has(method)) {
    return { status: 405, title: 'That cannot be done here', text: 'This box answers GET, POST, PUT and DELETE.' };
  }
  if (target.length > LONGEST_TARGET) {
    return { status: 414, title: 'That address is too long', text: `It may have ${LONGEST_TARGET} characters.` };
  }
  if (headerCount > MOST_HEADERS) {
    return { status: 431, title: 'Too many headers', text: `A request may have ${MOST_HEADERS}.` };
  }
  if (!/^\/[\x21-\x7e]*$/.test(target) || target.includes('\\')) {
    return { status: 400, title: 'That is not an address of this box', text: 'Paths begin with / and have no spaces.' };
  }
  return undefined;
}

/** What another site had the browser send: changes never, and reads only as a link that somebody followed. */
function refuseForeign({ method, hosts, origin, fetchSite, fetchMode }: Asked): Refusal | undefined {
  const isReading = READING.has(method);
  const isForeignSite = fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none';
  if (isReading) {
    const isLink = fetchMode === undefined || fetchMode === 'navigate';
    return isForeignSite && !isLink ? FOREIGN : undefined;
  }
  if (isForeignSite) return FOREIGN;
  const isForeignOrigin = origin !== undefined && origin.toLowerCase() !== `https://${hosts[0]?.toLowerCase()}`;
  return isForeignOrigin ? FOREIGN : undefined;
}

const FOREIGN: Refusal = {
  status: 403,
  title: 'Another website tried to do this',
  text: 'Nothing was changed. If it was you: open this box in a tab of its own and do it there.',
};

function tooOften(retryAfterSec: number): Refusal {
  return {
    status: 429,
    title: 'Too many requests from your address',
    text: `Wait ${retryAfterSec} s and load the page again.`,
    retryAfterSec,
  };
}
