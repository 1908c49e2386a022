import { describe, expect, test } from 'vitest';
import { AllowedHosts, hostOf } from './allowed-hosts.ts';
import { csrfToken, isCsrfToken } from './csrf.ts';
import { type Asked, decideGuard } from './guard.ts';
import { localPath, ownReferer } from './local-path.ts';
import { plainAddress, Rates, sourceGroup } from './rates.ts';

const GET: Asked = {
  method: 'GET',
  target: '/',
  hosts: ['leeds:8443'],
  headerCount: 5,
  origin: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
};
const rules = { isOurHost: (host: string) => hostOf(host) === 'leeds', waitSec: () => 0 };
const statusOf = (asked: Partial<Asked>) => decideGuard({ ...GET, ...asked }, rules)?.status;

describe('the guard', () => {
  test('lets pass what a browser on our own page sends', () => {
    expect(statusOf({})).toBeUndefined();
    expect(statusOf({ method: 'POST', origin: 'https://leeds:8443', fetchSite: 'same-origin' })).toBeUndefined();
    expect(statusOf({ method: 'POST' })).toBeUndefined();
    expect(statusOf({ fetchSite: 'none', fetchMode: 'navigate' })).toBeUndefined();
    expect(statusOf({ fetchSite: 'same-origin', fetchMode: 'cors' })).toBeUndefined();
  });

  test.each<[number, Partial<Asked>]>([
    [421, { hosts: ['york'] }],
    [400, { hosts: [] }],
    [400, { hosts: ['leeds', 'york'] }],
    [421, { hosts: ['york', 'york'] }],
    [405, { method: 'TRACE' }],
    [405, { method: 'get' }],
    [414, { target: `/${'a'.repeat(5_000)}` }],
    [431, { headerCount: 65 }],
    [400, { target: 'https://leeds/' }],
    [400, { target: '*' }],
    [400, { target: '/a\\b' }],
    [400, { target: '/a b' }],
    [400, { target: '/ü' }],
    [403, { method: 'POST', origin: 'https://leeds' }],
    [403, { method: 'POST', origin: 'http://leeds:8443' }],
    [403, { method: 'DELETE', origin: 'null' }],
    [403, { method: 'PUT', fetchSite: 'same-site' }],
    [403, { fetchSite: 'cross-site', fetchMode: 'no-cors' }],
    [403, { fetchSite: 'something-new', fetchMode: 'cors' }],
  ])('refuses with %i: %o', (status, asked) => expect(statusOf(asked)).toBe(status));

  test('says of a source that asks too much only how long to wait', () => {
    const refusal = decideGuard({ ...GET, hosts: ['york'] }, { ...rules, waitSec: () => 3 });
    expect(refusal).toMatchObject({ status: 429, retryAfterSec: 3 });
  });
});

describe('hosts', () => {
  test.each([
    ['leeds', 'leeds'],
    ['LEEDS:443', 'leeds'],
    ['leeds.', 'leeds'],
    ['192.0.2.7:8443', '192.0.2.7'],
    ['[2001:DB8:0::7]:443', '2001:db8::7'],
    ['user@leeds', undefined],
    ['leeds/', undefined],
    ['leeds:', undefined],
    ['leeds:443:443', undefined],
    ['', undefined],
    ['a'.repeat(300), undefined],
  ])('%j is %j', (header, host) => expect(hostOf(header)).toBe(host));

  test('new addresses of the box are seen; a stranger cannot make it look all the time', () => {
    let nowMs = 0;
    let looked = 0;
    const own = ['192.0.2.7'];
    const observe = () => {
      looked++;
      return own;
    };
    const hosts = new AllowedHosts(['Leeds'], observe, () => nowMs);
    expect(hosts.allows('leeds:1')).toBe(true);
    expect(hosts.allows('192.0.2.7')).toBe(true);
    for (let i = 0; i < 100; i++) expect(hosts.allows(`${i}.example`)).toBe(false);
    expect(looked).toBe(1);
    own.push('fe80::1%eth0', '2001:db8:0:0::9');
    nowMs += 2_000;
    expect(hosts.allows('[2001:db8::9]:443')).toBe(true);
    expect(hosts.allows('[fe80::1]')).toBe(true);
  });
});

describe('rates', () => {
  test('a burst passes, then so many a second, for each source alone', () => {
    const rates = new Rates({ burst: 3, perSecond: 2 });
    expect([1, 2, 3, 4].map(() => rates.take('a', 1_000))).toEqual([0, 0, 0, 1]);
    expect(rates.take('b', 1_000)).toBe(0);
    expect(rates.take('a', 1_500)).toBe(0);
    expect(rates.take('a', 1_500)).toBe(1);
    // A clock that was set back gives nothing away and takes nothing.
    expect(rates.take('a', 0)).toBe(1);
  });

  test('sources that are many push out the oldest, not the memory', () => {
    const rates = new Rates({ burst: 1, perSecond: 0.001 });
    expect(rates.take('first', 0)).toBe(0);
    expect(rates.take('first', 0)).toBeGreaterThan(0);
    for (let i = 0; i < 5_000; i++) rates.take(`s${i}`, 0);
    expect(rates.take('first', 0)).toBe(0);
  });

  test('one host with a thousand IPv6 addresses is one source', () => {
    expect(sourceGroup('192.0.2.7')).toBe('192.0.2.7');
    expect(sourceGroup('2001:db8:1:2:3:4:5:6')).toBe(sourceGroup('2001:db8:1:2::1'));
    expect(sourceGroup('2001:db8:1:2::1')).not.toBe(sourceGroup('2001:db8:1:3::1'));
    expect(sourceGroup('2001:db8::1')).toBe(sourceGroup('2001:db8:0:0:ffff::1'));
    expect(plainAddress('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(plainAddress(undefined)).toBe('unknown');
  });
});

describe('paths to go on to', () => {
  test.each(['/', '/offices/qe1abc?range=2d#x', '/activity?who=a%20b'])('%s is ours', (path) =>
    expect(localPath(path)).toBe(path),
  );

  test.each([
    undefined,
    '',
    'offices',
    '//evil',
    '/\\evil',
    '/a\\b',
    'https://evil',
    '/ü',
    '/a b',
    '/\n/evil',
    '/./ /evil',
    '/..//evil',
    '/sign-in',
    '/sign-in?next=/x',
    '/claim',
    '/password',
    '/events?show=x',
  ])('%j is not', (path) => expect(localPath(path, '/home')).toBe('/home'));

  test('only our own referer counts', () => {
    expect(ownReferer('https://leeds:8443/people?x=1', 'leeds:8443')).toBe('/people?x=1');
    for (const other of ['https://leeds/people', 'http://leeds:8443/', 'https://evil/leeds:8443', 'x', undefined])
      expect(ownReferer(other, 'leeds:8443')).toBeUndefined();
  });
});

test('a form token fits its cookie alone and does not tell it', () => {
  const token = csrfToken('session-a');
  expect(isCsrfToken(token, 'session-a')).toBe(true);
  for (const [given, cookie] of [
    [token, 'session-b'],
    [token, undefined],
    [undefined, 'session-a'],
    ['', ''],
    [`${token}x`, 'session-a'],
    [token.toUpperCase(), 'session-a'],
  ]) {
    expect(isCsrfToken(given, cookie)).toBe(false);
  }
  expect(token).not.toContain('session');
});
