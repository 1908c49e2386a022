import { expect, test } from 'vitest';
import { blamingHere, isCutOff, type OfficeView } from './office-view.ts';

const line = (isLinkUp: boolean | undefined) => ({ interface: 'eth0', addresses: [], isLinkUp });
const silent: OfficeView = {
  node_id: 'qe1york',
  name: 'York',
  state: 'failed',
  since_ms: 0,
  rtt_ms: null,
  last_good_ms: 0,
  paths: 0,
  problem: 'no answer for 12 s',
  remedy: 'check that the box there has power and that its internet line works',
  waiting: false,
  configured: false,
};

test('a box is cut off when no port has a link and nobody answers', () => {
  expect(isCutOff([line(false), line(false)], [silent])).toBe(true);
  expect(isCutOff([line(false)], [])).toBe(true);
  expect(isCutOff([line(false), line(true)], [silent])).toBe(false);
  expect(isCutOff([line(undefined)], [silent])).toBe(false);
  // Its line may be one that the ports do not tell of.
  expect(isCutOff([line(false)], [silent, { ...silent, state: 'working' }])).toBe(false);
  const lan = { ...line(true), interface: 'lan0' };
  expect(isCutOff([line(false), lan], [silent], ['eth0'])).toBe(true);
  expect(isCutOff([line(false), lan], [silent], ['eth0', 'lan0'])).toBe(false);
  expect(isCutOff([], [silent])).toBe(false);
});

test('then the next step is here', () => {
  expect(blamingHere(silent)).toMatchObject({
    state: 'failed',
    problem: 'this box has no internet line',
    remedy: 'check the cable of this box and its modem',
  });
});
