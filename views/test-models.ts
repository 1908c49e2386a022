/** Models for tests and pictures; every string in them can be the one that a hostile box would choose. */
import type {
  AuditEvent,
  Frame,
  History,
  Line,
  Office,
  OfficeDetail,
  Offices,
  PendingOffice,
  SystemState,
} from './model.ts';
import type { HomeModel } from './pages/home.ts';
import type { Slice } from './parts/day.ts';

export const NOW_MS = Date.UTC(2026, 10, 24, 10, 42, 7);

/** Gives each text as it is, or something else in its place. */
export type Say = (text: string) => string;

export function testFrame(say: Say, more: Partial<Frame> = {}): Frame {
  return {
    boxName: say('Leeds'),
    asset: (name) => `/assets/${name}`,
    nonce: 'bm9uY2U',
    csrf: 'Y3NyZg',
    when: { nowMs: NOW_MS, zone: 'Europe/London' },
    word: null,
    me: { userName: say('James Hartley'), role: 'owner', secondFactor: true, passwordUntilMs: null },
    version: say('1.4.2'),
    nodeId: say('qe1qqqsyqcyq5rqwzqfpg9scrgwpuccwkh7k2mqx'),
    trial: null,
    offices: testOffices(say),
    ...more,
  };
}

const MINUTE = 60_000;

export function testOffice(say: Say, more: Partial<Office> = {}): Office {
  return {
    node_id: say('qe1bradfordbradfordbradfordbradfordw9p4td'),
    name: say('Bradford'),
    state: 'working',
    since_ms: NOW_MS - 90 * MINUTE,
    rtt_ms: 17.2,
    last_good_ms: NOW_MS - 1000,
    paths: 2,
    problem: null,
    remedy: null,
    configured: false,
    ...more,
  };
}

export function testOffices(say: Say): Offices {
  return {
    offices: [
      testOffice(say),
      testOffice(say, {
        node_id: say('qe1halifaxhalifaxhalifaxhalifaxhalifaxa1'),
        name: say('Halifax'),
        state: 'degraded',
        problem: say('12 % of what is sent gets lost'),
        remedy: say('look at the lines of both boxes: one of them loses packets'),
      }),
      testOffice(say, {
        node_id: say('qe1yorkyorkyorkyorkyorkyorkyorkyorkyork2'),
        name: say('York'),
        state: 'failed',
        since_ms: NOW_MS - 12 * MINUTE,
        rtt_ms: null,
        last_good_ms: NOW_MS - 12 * MINUTE,
        paths: 0,
        problem: say('no answer for 720 s'),
        remedy: say('check that the box there has power and that its internet line works'),
      }),
      testOffice(say, {
        node_id: say('qe1hullhullhullhullhullhullhullhullhull3'),
        name: say('Hull'),
        state: 'unknown',
        since_ms: null,
        rtt_ms: null,
        last_good_ms: null,
        paths: 0,
        problem: say('connecting'),
      }),
    ],
    pending: [testPending(say)],
    checked_ms: NOW_MS - 1000,
  };
}

export function testPending(say: Say): PendingOffice {
  return {
    node_id: say('qe1sparesparesparesparesparesparespare5s'),
    name: say('york-spare'),
    address: say('81.2.70.19:9000'),
    accepted_there: true,
    since_ms: NOW_MS - 4 * MINUTE,
  };
}

export function testLines(say: Say): Line[] {
  return [
    {
      interface: say('eth0'),
      addresses: [say('81.2.69.142')],
      state: 'working',
      rtt_ms: 14,
      loss_ratio: 0,
      offices: 2,
    },
    {
      interface: say('wwan0'),
      addresses: [say('10.64.3.9')],
      state: 'degraded',
      rtt_ms: 41,
      loss_ratio: 0.064,
      offices: 1,
    },
    { interface: say('eth2'), addresses: [], state: 'failed', rtt_ms: null, loss_ratio: null, offices: 0 },
    {
      interface: say('eth3'),
      addresses: [say('192.168.9.2')],
      state: 'unknown',
      rtt_ms: null,
      loss_ratio: null,
      offices: 0,
    },
  ];
}

/** A curve with a gap in it. */
export function testHistory(base: number, swing: number, points = 600): History {
  return {
    step_ms: 1000,
    points: Array.from({ length: points }, (_, at): readonly [number, number | null] => [
      NOW_MS - (points - at) * 1000,
      at > points * 0.6 && at < points * 0.7 ? null : base + swing * Math.sin(at / 30) + (swing / 3) * Math.sin(at / 7),
    ]),
  };
}

export function testDays({ offices }: Offices): ReadonlyMap<string, Slice[]> {
  const slices = (at: number): Slice[] =>
    Array.from({ length: 48 }, (_, slice) => ({
      atMs: NOW_MS - (48 - slice) * 30 * MINUTE,
      state:
        slice === 20 && at === 1
          ? 'degraded'
          : slice > 44 && at > 1
            ? 'unknown'
            : slice === 33 && at === 2
              ? 'failed'
              : 'working',
    }));
  return new Map(offices.slice(0, 3).map(({ node_id }, at) => [node_id, slices(at)]));
}

export function testHome(say: Say): HomeModel {
  const offices = testOffices(say);
  return {
    boxName: say('Leeds'),
    offices,
    lines: testLines(say),
    receivedBps: 61_300_000,
    sentBps: 18_200_000,
    days: testDays(offices),
  };
}

export function testEvents(say: Say): AuditEvent[] {
  const entry = (seq: number, event: string, detail: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
    seq,
    ts_ms: NOW_MS - (14_300 - seq) * 31_000,
    event: say(event),
    who: say('James Hartley'),
    source: say('192.168.20.31'),
    surface: say('page'),
    outcome: 'done',
    detail: say(detail),
    ...more,
  });
  return [
    entry(14_300, 'peer.accept', 'accepted qe1bradford'),
    entry(14_299, 'session.sign-in', 'signed in with password and phone code'),
    entry(14_298, 'session.sign-in', 'wrong password', { who: say('tom'), outcome: 'failed' }),
    entry(14_297, 'user.add', 'may not: an owner can', { who: say('sophie'), outcome: 'refused' }),
    entry(14_296, 'peer.down', 'York stopped answering', { who: say(''), source: say(''), surface: say('engine') }),
    entry(14_295, 'peer.up', 'York connected over 2 paths', { who: say(''), source: say(''), surface: say('engine') }),
    entry(11_000, 'update.install', 'installed 1.4.2'),
  ];
}

export function testOfficeDetail(say: Say, more: Partial<OfficeDetail> = {}): OfficeDetail {
  const path = (line: string, remote: string, state: string, rtt: number, loss: number | null) => ({
    interface: say(line),
    local: say('81.2.69.142:9000'),
    remote: say(remote),
    rtt_ms: rtt,
    loss_ratio: loss,
    state: say(state),
  });
  return {
    ...testOffice(say),
    overlay_addresses: [say('100.94.12.7'), say('fd7a:115c:a1e0::1')],
    prefixes: [say('192.168.40.0/24')],
    sent_bytes: 812_000_000,
    received_bytes: 4_120_000_000,
    sent_bps: 5_200_000,
    received_bps: 40_800_000,
    path_list: [path('eth0', '81.2.70.1:9000', 'up', 17.2, 0), path('wwan0', '81.2.70.1:9000', 'suspect', 44.1, 0.031)],
    events: testEvents(say),
    ...more,
  };
}

export function testSystem(say: Say, more: Partial<SystemState> = {}): SystemState {
  return {
    version: say('1.4.2'),
    node_id: say('qe1qqqsyqcyq5rqwzqfpg9scrgwpuccwkh7k2mqx'),
    appliance: true,
    uptime_sec: 288_000,
    slots: [
      { slot: say('a'), version: say('1.4.2'), state: 'running' },
      { slot: say('b'), version: say('1.4.1'), state: 'idle' },
    ],
    update: { state: 'ready', percent: null, version: say('1.5.0'), message: null },
    ssh: false,
    ...more,
  };
}
