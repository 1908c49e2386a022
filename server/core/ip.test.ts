import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHostPort, parseHostPort } from './host-port.ts';
import { formatIp, type Ip, parseIp } from './ip.ts';
import { containing, contains, formatPrefix, overlaps, parseInterfaceAddress, parsePrefix } from './prefix.ts';

const v4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value): Ip => ({ family: 4, value }));
// Runs of zeros are what the text form is about, so they must be common.
const v6 = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
  .map((groups): Ip => ({ family: 6, value: groups.reduce((sum, group) => (sum << 16n) | group, 0n) }));
const ips = fc.oneof(v4, v6);
const prefixes = fc
  .tuple(ips, fc.nat({ max: 128 }))
  .map(([ip, length]) => containing(ip, ip.family === 4 ? length % 33 : length));
const messageOf = (result: { ok: boolean; error?: { message: string } }): string | undefined => result.error?.message;
const prefix = (text: string) => {
  const parsed = parsePrefix(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
};

describe('addresses', () => {
  test('read back as written', () => {
    fc.assert(
      fc.property(ips, (ip) => {
        expect(parseIp(formatIp(ip))).toEqual({ ok: true, value: ip });
      }),
    );
  });

  test('reading never throws, and what is read has one text', () => {
    const alphabet = fc.string({ unit: fc.constantFrom(...'0123456789abcdefF.:%/[] '), maxLength: 45 });
    fc.assert(
      fc.property(fc.oneof(alphabet, fc.string()), (text) => {
        const parsed = parseIp(text);
        if (parsed.ok) expect(parseIp(formatIp(parsed.value))).toEqual(parsed);
      }),
    );
  });

  test('a text that two programs read differently is refused', () => {
    expect(messageOf(parseIp('010.0.0.1'))).toBe('"010.0.0.1" is not an address: a part must not begin with 0');
    expect(messageOf(parseIp('100.64.0.300'))).toBe('"100.64.0.300" is not an address: each part goes up to 255');
    expect(messageOf(parseIp('10.1'))).toBe('"10.1" is not an address: it has 2 parts, not 4');
  });
});

describe('prefixes', () => {
  test('read back as written', () => {
    fc.assert(
      fc.property(prefixes, (one) => {
        expect(parsePrefix(formatPrefix(one))).toEqual({ ok: true, value: one });
      }),
    );
  });

  test('host bits are refused with the network that was meant, and kept where an interface has them', () => {
    expect(messageOf(parsePrefix('192.168.1.7/24'))).toContain('the network is 192.168.1.0/24');
    expect(parseInterfaceAddress('192.168.1.7/24')).toMatchObject({ ok: true, value: { length: 24 } });
  });

  test('a length belongs to its family', () => {
    expect(messageOf(parsePrefix('10.0.0.0/64'))).toContain('the length of IPv4 goes up to 32');
    expect(messageOf(parsePrefix('fd00::/129'))).toContain('the length of IPv6 goes up to 128');
    for (const bad of ['10.0.0.0', '10.0.0.0/', '10.0.0.0/+8', '10.0.0.0/08', '10.0.0.0/8/8', '/8']) {
      expect(parsePrefix(bad).ok, bad).toBe(false);
    }
  });

  test('overlap means that one contains the other, never across families', () => {
    expect(overlaps(prefix('10.0.0.0/8'), prefix('10.1.0.0/16'))).toBe(true);
    expect(overlaps(prefix('10.1.0.0/16'), prefix('10.2.0.0/16'))).toBe(false);
    expect(overlaps(prefix('0.0.0.0/0'), prefix('::/0'))).toBe(false);
    fc.assert(
      fc.property(prefixes, prefixes, (a, b) => {
        expect(overlaps(a, b)).toBe(overlaps(b, a));
        if (overlaps(a, b)) expect(contains(a, b.network) || contains(b, a.network)).toBe(true);
      }),
    );
  });
});

describe('host and port', () => {
  test.each([
    ['192.0.2.1:9000', { host: '192.0.2.1', port: 9000, isName: false }],
    ['[2001:DB8::1]:9000', { host: '2001:db8::1', port: 9000, isName: false }],
    ['VPN.example.com:1', { host: 'vpn.example.com', port: 1, isName: true }],
  ])('%s', (text, value) => expect(parseHostPort(text)).toEqual({ ok: true, value }));

  test.each([
    ['192.0.2.1', 'the port is missing'],
    ['192.0.2.1:0', '1 to 65535'],
    ['192.0.2.1:65536', '1 to 65535'],
    ['192.0.2.1:09000', '1 to 65535'],
    ['192.0.2.300:9000', 'each part goes up to 255'],
    ['010.0.0.1:9000', 'must not begin with 0'],
    ['2001:db8::1:9000', 'stands in brackets'],
    ['[192.0.2.1]:9000', 'only IPv6'],
    [':9000', 'the host is missing'],
    ['-a.example:9000', 'neither an address nor a host name'],
    ['a b:9000', 'neither an address nor a host name'],
  ])('%s is refused: %s', (text, reason) => expect(messageOf(parseHostPort(text))).toContain(reason));

  test('never throws, and what is read reads back', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'ab1.:[]-09'), maxLength: 30 })),
        (text) => {
          const parsed = parseHostPort(text);
          if (parsed.ok) expect(parseHostPort(formatHostPort(parsed.value))).toEqual(parsed);
        },
      ),
    );
  });
});
