import { beforeEach, describe, expect, test } from 'vitest';
import type { Result } from '../core/result.ts';
import { ROLES } from '../operations/actor.ts';
import { simulateWorld } from '../operations/simulated-world.ts';
import { isFrontByUser, mayConnect } from './caller.ts';
import { type CallEntry, createDispatch } from './dispatch.ts';
import { decodeCall, type OnBehalf } from './protocol.ts';
import type { CallHandler, CallOrigin } from './session.ts';

const PASSWORD = 'correct horse staple nine';
const root = { pid: 7, uid: 0, gid: 0 };
const users = { ownUid: 900, nameOf: (uid: number) => ({ 0: 'root', 1000: 'consultant' })[uid] };

let simulated: ReturnType<typeof simulateWorld>;
let dispatch: CallHandler;
let logged: CallEntry[];
beforeEach(() => {
  simulated = simulateWorld();
  logged = [];
  dispatch = createDispatch({ world: simulated.world, users, log: (entry) => logged.push(entry) });
});

const local = (uid: number, client = 'quicether 1.2.3'): CallOrigin => ({
  caller: { ...root, uid },
  isFront: false,
  client,
});
const front = (onBehalf?: Partial<OnBehalf>): CallOrigin => ({
  caller: root,
  isFront: true,
  client: 'web',
  ...(onBehalf ? { onBehalf: { source: '192.0.2.7', surface: 'page', ...onBehalf } } : {}),
});
const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.error.code);
const call = (method: string, params: unknown, origin: CallOrigin) => dispatch.call(method, params, origin);

async function value<T = Record<string, string>>(method: string, params: unknown, origin: CallOrigin): Promise<T> {
  const result = await call(method, params, origin);
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value as T;
}

/** A session of somebody with this role. */
async function sessionOf(role: string): Promise<string> {
  await value('AddUser', { user_name: `a-${role}`, role, password: PASSWORD }, local(0));
  return (await value('SignIn', { user_name: `a-${role}`, password: PASSWORD }, front({})))['session'] ?? '';
}

describe('who asks', () => {
  test.each([
    [0, 'root', 'owner'],
    [900, 'uid 900', 'owner'],
    [1000, 'consultant', 'admin'],
  ])('a Unix user %i is %s, %s', async (uid, user_name, role) => {
    expect(await value('GetMe', {}, local(uid))).toMatchObject({ kind: 'local', user_name, role, session_id: null });
  });

  test('what a client calls itself changes nothing but what is written down', async () => {
    expect(codeOf(await call('GetUsers', {}, local(1000, 'web')))).toBe('ok');
    await call('RemovePeer', { peer: 'nobody' }, local(0, 'something'));
    await call('RemovePeer', { peer: 'nobody' }, local(0));
    expect(simulated.audited.map(({ surface, who }) => [surface, who])).toEqual([
      ['rpc', 'root'],
      ['cli', 'root'],
    ]);
  });

  test('behind a front nobody is root, whoever runs the front', async () => {
    for (const origin of [front(), front({}), front({ session: 'x' }), front({ token: 'qet_x' })]) {
      expect(codeOf(await call('GetStatus', {}, origin))).toBe('permission.signed-out');
    }
  });

  test('without being a front nobody asks for another', async () => {
    const origin = { ...local(0), onBehalf: { source: '192.0.2.7', surface: 'page' as const } };
    expect(codeOf(await call('GetStatus', {}, origin))).toBe('permission.front');
  });

  test.each(ROLES)('a person and a token with the role %s are known by what they show', async (role) => {
    const session = await sessionOf(role);
    expect(await value('GetMe', {}, front({ session }))).toMatchObject({
      kind: 'person',
      user_name: `a-${role}`,
      role,
    });
    const { token } = await value('AddToken', { name: 'robot', role, expires_days: 1 }, local(0));
    const me = await value('GetMe', {}, front({ token: token ?? '' }));
    expect(me).toMatchObject({ kind: 'token', user_name: 'token robot', role, session_id: null });
  });

  test('a token from elsewhere than its networks is nobody', async () => {
    const params = { name: 'robot', role: 'viewer', expires_days: 1, sources: ['10.0.0.0/8'] };
    const { token = '' } = await value('AddToken', params, local(0));
    expect(codeOf(await call('GetStatus', {}, front({ token })))).toBe('permission.signed-out');
    expect(codeOf(await call('GetStatus', {}, front({ token, source: '10.9.9.9' })))).toBe('ok');
  });

  test('a role that changes counts from the next call', async () => {
    const session = await sessionOf('admin');
    const { users: list } = await value<{ users: { user_id: string }[] }>('GetUsers', {}, front({ session }));
    await value('SetUserRole', { user_id: list[0]?.user_id, role: 'viewer' }, local(0));
    expect(codeOf(await call('GetUsers', {}, front({ session })))).toBe('permission.signed-out');
  });
});

describe('what is written down', () => {
  test('who may not learns nothing of what the input should be, and it is audited', async () => {
    const refused = await call('AddUser', { anything: 1 }, front({}));
    expect(codeOf(refused)).toBe('permission.signed-out');
    expect(simulated.audited).toMatchObject([
      { event: 'user.add', who: 'somebody', source: '192.0.2.7', surface: 'page', outcome: 'refused' },
    ]);
  });

  test('every sign-in, good and bad, without a word of what was typed', async () => {
    await sessionOf('viewer');
    const typed = { user_name: 'my password in the wrong field', password: 'my password' };
    await call('SignIn', typed, front({}));
    await call('SignIn', { user_name: 'a-viewer', password: 'my password' }, front({}));
    await call('AddUser', { ...typed, role: 'viewer' }, local(0));
    const text = JSON.stringify([simulated.audited, logged]);
    expect(text).not.toContain('my password');
    expect(simulated.audited.slice(1).map(({ who, outcome, detail }) => [who, outcome, detail])).toEqual([
      ['a-viewer', 'done', 'sign-in as a-viewer'],
      ['somebody', 'refused', 'sign-in as a name that nobody has here; people.wrong-credentials'],
      ['somebody', 'refused', 'sign-in as a-viewer; people.wrong-credentials'],
      ['root', 'failed', 'added the user of a name that cannot be used as viewer; people.user-name'],
    ]);
  });
});

describe('on_behalf as it comes off the wire', () => {
  const decode = (on_behalf: unknown) => {
    const decoded = decodeCall(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'GetMe', on_behalf })));
    return decoded.ok ? 'ok' : decoded.error.failure.code;
  };
  const good = { source: '192.0.2.7', surface: 'page' };

  test.each([good, { ...good, session: 's' }, { ...good, token: 't', idempotency_key: 'k', is_background: true }])(
    '%j is taken',
    (one) => expect(decode(one)).toBe('ok'),
  );

  test.each([
    null,
    5,
    [],
    {},
    { ...good, surface: 'cli' },
    { ...good, surface: 'rpc' },
    { ...good, session: 's', token: 't' },
    { ...good, session: '' },
    { ...good, session: 'x'.repeat(129) },
    { ...good, source: 'a b' },
    { ...good, source: '\n' },
    { ...good, source: 'x'.repeat(65) },
    { ...good, role: 'owner' },
    { ...good, idempotency_key: 'a\nb' },
  ])('%j is refused', (one) => expect(decode(one)).toBe('rpc.bad-request'));
});

test('the user of the web is let in without the group, and is a front whatever it says', () => {
  const web = { pid: 1, uid: 950, gid: 950 };
  const access = { uid: 900, gid: 900, groupsOf: () => [], webUid: 950 };
  expect(mayConnect(web, access)).toBe(true);
  expect(mayConnect({ ...web, uid: 951 }, access)).toBe(false);
  expect(isFrontByUser(web, 950)).toBe(true);
  // Root as the web's user (a checkout) would make every call of root's a front's.
  expect(isFrontByUser(root, 0)).toBe(false);
});
