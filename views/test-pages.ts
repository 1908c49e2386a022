/** Every page once, by name, for tests that hold for all of them and for pictures to look at. */
import { gate } from './gate.ts';
import type { Markup } from './markup.ts';
import type { Trial } from './model.ts';
import { activityPage } from './pages/activity.ts';
import { addOfficePage } from './pages/add-office.ts';
import { claimPage } from './pages/claim.ts';
import { errorPage } from './pages/errors.ts';
import { homePage } from './pages/home.ts';
import { linesPage } from './pages/lines.ts';
import { officePage } from './pages/office.ts';
import { officesPage } from './pages/offices.ts';
import { enrolPage, passwordPage } from './pages/password.ts';
import { peoplePage, tokenMadePage } from './pages/people.ts';
import { signInCodePage, signInPage } from './pages/sign-in.ts';
import { systemPage } from './pages/system.ts';
import { welcomePage } from './pages/welcome.ts';
import { recoveryCodesPage, secondFactorPage } from './pages/you.ts';
import {
  NOW_MS,
  type Say,
  testEvents,
  testFrame,
  testHistory,
  testHome,
  testLines,
  testOfficeDetail,
  testOffices,
  testPending,
  testSystem,
} from './test-models.ts';

const WORDS = ['marble', 'ferry', 'oak', 'nine', 'cello', 'quarry'];

function testTrial(say: Say): Trial {
  return {
    trial_id: say('t1'),
    what: say('This box listens on 0.0.0.0:9100 instead of 0.0.0.0:9000'),
    who: say('James Hartley'),
    started_ms: NOW_MS - 33_000,
    until_ms: NOW_MS + 87_000,
    mine: true,
  };
}

function gates(say: Say): Record<string, Markup> {
  const frame = testFrame(say);
  const words = WORDS.map(say);
  return {
    claim: claimPage(frame, {
      words,
      fingerprint: say('9C:41:7B'),
      userName: say('James'),
      code: say('ABCD'),
      mistakes: { password: say('This password has 9 characters. Add at least 3 more.') },
    }),
    'sign-in': signInPage(
      { ...frame, word: { state: 'working', title: say('You are signed out.') } },
      { userName: say('James'), next: say('/'), mistakes: {} },
    ),
    'sign-in-code': signInCodePage(frame, {
      userName: say('James'),
      ticket: say('t'),
      next: say('/'),
      mistakes: { code: say('That code has run out. Wait for the next one.') },
    }),
    ...Object.fromEntries(
      [401, 403, 404, 421, 429, 503].map((status) => [
        `error-${status}`,
        errorPage(frame, {
          status,
          message: status === 403 ? say('A viewer may not do this.') : undefined,
          code: say('a.b'),
        }),
      ]),
    ),
    gate: gate(frame, { title: say('x'), small: say('y'), body: say('z') }),
  };
}

function peoplePages(say: Say): Record<string, Markup> {
  const frame = testFrame(say);
  const people = [
    {
      user_id: say('u1'),
      user_name: say('James Hartley'),
      role: 'owner',
      second_factor: true,
      last_seen_ms: NOW_MS,
      created_ms: 0,
    },
    {
      user_id: say('u2'),
      user_name: say('Sophie'),
      role: 'viewer',
      second_factor: false,
      last_seen_ms: null,
      created_ms: 0,
    },
  ] as const;
  const sessions = [true, false].map((current) => ({
    session_id: say(`s${current}`),
    user_name: say('James Hartley'),
    source: say('192.168.20.31'),
    surface: say('page'),
    started_ms: NOW_MS - 1e6,
    seen_ms: NOW_MS,
    current,
  }));
  const tokens = [
    {
      token_id: say('k1'),
      name: say('Grafana'),
      role: 'viewer',
      sources: [say('192.168.20.9/32')],
      created_ms: 0,
      expires_ms: NOW_MS + 1e9,
      used_ms: null,
    },
  ] as const;
  return {
    people: peoplePage(frame, {
      people,
      sessions,
      tokens,
      typed: { new_name: say('x') },
      mistakes: { new_password: say('Too short.'), token_name: say('Taken.') },
    }),
    'people-viewer': peoplePage(
      testFrame(say, {
        me: { userName: say('Sophie'), role: 'viewer', secondFactor: false, passwordUntilMs: NOW_MS + 200_000 },
      }),
      { people: null, sessions, tokens: null, typed: {}, mistakes: {} },
    ),
    'token-made': tokenMadePage(frame, { name: say('Grafana'), token: say('qet_abcdefgh') }),
    'second-factor': secondFactorPage(frame, {
      secret: say('JBSWY3DPEHPK3PXP'),
      uri: say('otpauth://totp/QuicEther:James?secret=JBSWY3DPEHPK3PXP'),
      mistakes: { code: say('That code is wrong.') },
    }),
    'recovery-codes': recoveryCodesPage(frame, ['ABCDE-FGHIJ', 'KLMNO-PQRST'].map(say)),
  };
}

function officePages(say: Say): Record<string, Markup> {
  const frame = testFrame(say);
  const words = WORDS.map(say);
  const histories = {
    received: testHistory(40e6, 12e6),
    sent: testHistory(9e6, 4e6),
    replies: testHistory(17, 3),
  };
  const addresses = [say('81.2.69.142:9000')];
  return {
    offices: officesPage(frame, { offices: testOffices(say), days: new Map() }),
    office: officePage(frame, { office: testOfficeDetail(say), range: '10m', ...histories, mistakes: {} }),
    'office-failed': officePage(frame, {
      office: testOfficeDetail(say, { state: 'failed', problem: say('no answer for 12 s'), path_list: [], events: [] }),
      range: '2d',
      received: null,
      sent: null,
      replies: null,
      mistakes: { typed: say('Type it exactly.'), password: say('That is not your password.') },
    }),
    'office-configured': officePage(frame, {
      office: testOfficeDetail(say, { configured: true, name: say('') }),
      range: '2y',
      ...histories,
      mistakes: {},
    }),
    'add-office': addOfficePage(frame, {
      words,
      addresses,
      pending: [{ ...testPending(say), words }],
      sought: [
        { address: say('203.0.113.7:9000'), name: say('Hull'), since_ms: NOW_MS - 60_000, problem: say('no answer') },
      ],
      typed: { name: say('n'), node_id: say('i'), address: say('a') },
      mistakes: { address: say('An address has a port: 203.0.113.7:9000.') },
    }),
    'add-office-empty': addOfficePage(frame, {
      words,
      addresses: [],
      pending: [],
      sought: [{ address: 'x:1', name: null, since_ms: null, problem: null }],
      typed: { name: '', node_id: '', address: '' },
      mistakes: {},
    }),
    welcome: welcomePage(testFrame(say, { offices: { offices: [], pending: [], checked_ms: null } }), {
      words,
      addresses,
      lines: testLines(say).slice(0, 1),
    }),
  };
}

function systemPages(say: Say): Record<string, Markup> {
  const frame = testFrame(say);
  const model = {
    uploadId: null,
    listen: [say('0.0.0.0:9000')],
    typed: {},
    mistakes: { site_name: say('Type it exactly.') },
  };
  return {
    system: systemPage(frame, { ...model, system: testSystem(say) }),
    'system-busy': systemPage(frame, {
      ...model,
      system: testSystem(say, {
        update: { state: 'writing', percent: 40, version: say('1.5.0'), message: say('wrote 40 MB') },
        ssh: true,
      }),
    }),
    'system-arrived': systemPage(frame, { ...model, uploadId: say('up1'), system: testSystem(say) }),
    'system-package': systemPage(frame, { ...model, system: testSystem(say, { appliance: false, slots: [] }) }),
    'system-trial': systemPage(testFrame(say, { trial: testTrial(say) }), {
      ...model,
      mistakes: {},
      system: testSystem(say),
    }),
    password: passwordPage(frame, { next: '/people', needsCode: true, mistakes: { password: say('Wrong.') } }),
    enrol: enrolPage(frame),
    activity: activityPage(frame, {
      events: testEvents(say),
      nextBefore: 10_000,
      filter: { who: '', event: '', text: '' },
      before: null,
      isLive: true,
      chain: {
        state: { intact: true, events: 14_212, first_seq: 1, last_seq: 14_300, head: say('e93d41f2'), problem: null },
        checkedMs: NOW_MS,
      },
    }),
    'activity-broken': activityPage(frame, {
      events: [],
      nextBefore: null,
      filter: { who: say('w'), event: say('e'), text: say('t') },
      before: 12,
      isLive: false,
      chain: {
        state: {
          intact: false,
          events: 1,
          first_seq: 1,
          last_seq: 1,
          head: null,
          problem: say('entry 7 does not fit'),
        },
        checkedMs: NOW_MS,
      },
    }),
  };
}

export function testPages(say: Say): Readonly<Record<string, Markup>> {
  const frame = testFrame(say);
  return {
    home: homePage(frame, testHome(say)),
    'home-trial': homePage(
      testFrame(say, {
        trial: { ...testTrial(say), mine: false },
        word: { state: 'failed', title: say('No.'), detail: say('d') },
      }),
      testHome(say),
    ),
    'home-viewer': homePage(
      testFrame(say, { me: { userName: say('Sophie'), role: 'viewer', secondFactor: false, passwordUntilMs: null } }),
      testHome(say),
    ),
    lines: linesPage(frame, { lines: testLines(say) }),
    'lines-empty': linesPage(frame, { lines: [] }),
    ...gates(say),
    ...officePages(say),
    ...peoplePages(say),
    ...systemPages(say),
  };
}
