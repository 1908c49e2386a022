import { type Ip, readIp } from '../core/ip.ts';
import { contains, formatPrefix, parsePrefix } from '../core/prefix.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Role } from '../core/role.ts';
import type { PeoplePorts } from './ports.ts';
import { includes, lesser } from './role.ts';
import { makeId, makeSecret } from './secrets.ts';
import type { Token } from './store.ts';

const MAX_TOKENS = 200;
const MAX_SOURCES = 32;
const DAY_MS = 24 * 60 * 60_000;
/** Being used is written down at most this often. */
const TOUCH_MS = 60_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/;
/** So that secret scanners know one, and people too. */
const SECRET_PREFIX = 'qet_';

export interface TokenRequest {
  readonly name: string;
  readonly role: Role;
  readonly expiresDays: number;
  readonly sources: readonly string[];
}

/** Who makes or removes one. */
export interface TokenMaker {
  readonly role: Role;
  /** Undefined for a Unix user at the socket. */
  readonly userId: string | undefined;
}

/** A program that showed a token that counts. */
export interface KnownProgram {
  readonly token: Token;
  /** Its own, or less when who made it may less by now. */
  readonly role: Role;
}

/** Keys of programs: hashed, with a role, an end, and the networks they work from. */
export class TokenBook {
  readonly #ports: PeoplePorts;

  constructor(ports: PeoplePorts) {
    this.#ports = ports;
  }

  /** A new one; its secret is told once. */
  add(request: TokenRequest, maker: TokenMaker): Result<{ tokenId: string; secret: string }> {
    const { store, clock, rng, digest } = this.#ports;
    const sources = checkRequest(request, maker);
    if (!sources.ok) return sources;
    const nowMs = clock.nowMs();
    const secret = makeSecret(rng, SECRET_PREFIX);
    const tokenId = makeId(rng, 't');
    return store.change((tables) => {
      for (const { tokenId: old, expiresMs } of tables.tokens()) if (expiresMs <= nowMs) tables.removeToken(old);
      const tokens = tables.tokens();
      if (tokens.some(({ name }) => name.toLowerCase() === request.name.toLowerCase())) {
        return fail('people.token-name', `there is a token "${request.name}" already`, {
          remedy: 'choose another name, or remove that one first',
        });
      }
      if (tokens.length >= MAX_TOKENS) {
        return fail('people.too-many', `${MAX_TOKENS} tokens are the most`, { remedy: 'remove one that is not used' });
      }
      tables.putToken({
        tokenId,
        secretHash: digest.sha256(secret),
        name: request.name,
        role: request.role,
        userId: maker.userId ?? null,
        sources: sources.value,
        createdMs: nowMs,
        expiresMs: nowMs + request.expiresDays * DAY_MS,
        usedMs: null,
      });
      return ok({ tokenId, secret });
    });
  }

  /** Whose secret this is; undefined when it is nobody's, over, or shown from elsewhere. */
  find(secret: string, source: string): Result<KnownProgram | undefined> {
    const { store, digest, clock } = this.#ports;
    const nowMs = clock.nowMs();
    const found = store.read((tables) => {
      const token = tables.tokenBySecret(digest.sha256(secret));
      const maker = token && token.userId !== null ? tables.userById(token.userId) : undefined;
      return token && { token, role: maker ? lesser(token.role, maker.role) : token.role };
    });
    if (!found.ok || !found.value) return found;
    const { token } = found.value;
    if (token.expiresMs <= nowMs || token.createdMs > nowMs + DAY_MS) return ok(undefined);
    if (!isFrom(token.sources, source)) return ok(undefined);
    if (nowMs - (token.usedMs ?? 0) >= TOUCH_MS) {
      store.change((tables) => ok(tables.putToken({ ...token, usedMs: nowMs })));
    }
    return found;
  }

  list(): Result<readonly Token[]> {
    return this.#ports.store.read((tables) => tables.tokens().sort((a, b) => b.createdMs - a.createdMs));
  }

  /** For the audit: the name, or the id when there is none. */
  nameOf(tokenId: string): string {
    const found = this.list();
    const token = found.ok ? found.value.find((one) => one.tokenId === tokenId) : undefined;
    return token ? JSON.stringify(token.name) : tokenId;
  }

  /** Ends one at once; nobody ends what may more than he. */
  remove(tokenId: string, maker: TokenMaker): Result<Token> {
    return this.#ports.store.change((tables) => {
      const token = tables.tokens().find((one) => one.tokenId === tokenId);
      if (!token) {
        return fail('people.unknown-token', 'there is no such token', { remedy: 'quicether token list names them' });
      }
      if (!includes(maker.role, token.role)) {
        return fail('permission.role', `that token has the role ${token.role}, which is above yours`, {
          remedy: 'ask an owner of this box',
        });
      }
      tables.removeToken(tokenId);
      return ok(token);
    });
  }
}

function checkRequest({ name, role, sources }: TokenRequest, maker: TokenMaker): Result<string[]> {
  if (!NAME.test(name)) {
    return fail('people.token-name', 'that cannot be the name of a token', {
      remedy: 'begin with a letter or digit; letters, digits, blanks and . _ - may follow, 64 at most',
    });
  }
  if (!includes(maker.role, role)) {
    return fail('permission.role', `a token may not do more than who makes it: your role is ${maker.role}`, {
      remedy: `choose the role ${maker.role} or a lesser one`,
    });
  }
  if (sources.length > MAX_SOURCES) {
    return fail('people.too-many', `a token has at most ${MAX_SOURCES} networks; this one has ${sources.length}`);
  }
  const networks: string[] = [];
  for (const text of sources) {
    const prefix = parsePrefix(text.slice(0, 64));
    if (!prefix.ok) return prefix;
    networks.push(formatPrefix(prefix.value));
  }
  return ok([...new Set(networks)]);
}

/** Whether an address lies in one of the networks; without networks every address does. */
export function isFrom(networks: readonly string[], source: string): boolean {
  if (networks.length === 0) return true;
  const ip = readSource(source);
  if (!ip) return false;
  return networks.some((text) => {
    const prefix = parsePrefix(text);
    return prefix.ok && contains(prefix.value, ip);
  });
}

function readSource(source: string): Ip | undefined {
  const read = readIp(source.replace(/%.*$/, ''));
  if (!read.ok) return undefined;
  const { family, value } = read.value;
  // An IPv4 client on a socket of both families.
  if (family === 6 && value >> 32n === 0xffffn) return { family: 4, value: value & 0xffffffffn };
  return read.value;
}
