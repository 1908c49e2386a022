import { expect, test } from 'vitest';
import { parsePings } from './traffic.ts';

const LINES = [
  'PING 192.168.2.20 (192.168.2.20) 56(84) bytes of data.',
  '[1763840000.000000] 64 bytes from 192.168.2.20: icmp_seq=1 ttl=62 time=1.00 ms',
  '[1763840000.010000] 64 bytes from 192.168.2.20: icmp_seq=2 ttl=62 time=3.00 ms',
  '[1763840000.011000] 64 bytes from 192.168.2.20: icmp_seq=2 ttl=62 time=4.00 ms (DUP!)',
  'From 192.168.2.1 icmp_seq=3 Destination Host Unreachable',
  '[1763840000.250000] 64 bytes from 192.168.2.20: icmp_seq=25 ttl=62 time=2.00 ms',
  '--- 192.168.2.20 ping statistics ---',
  '25 packets transmitted, 3 received, +1 duplicates, +1 errors, 88% packet loss, time 240ms',
];

test('answers, their median and the longest silence between them', () => {
  const pings = parsePings(LINES.join('\n'));
  expect(pings).toMatchObject({ sent: 25, received: 3, medianRttMs: 2, longestGapMs: 240, ttls: [62] });
});

test('IPv6 calls it a hop limit in some releases', () => {
  const line = '[1.5] 64 bytes from fd77::20: icmp_seq=1 hop limit=63 time=0.5 ms';
  expect(parsePings(line).ttls).toEqual([63]);
});

test('nothing came back', () => {
  const pings = parsePings('5 packets transmitted, 0 received, 100% packet loss, time 80ms');
  expect(pings).toMatchObject({ sent: 5, received: 0, medianRttMs: Number.POSITIVE_INFINITY });
});
