import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureLine } from '../core/failures.ts';
import { formatHostPort } from '../core/host-port.ts';
import { formatInterfaceAddress, formatPrefix } from '../core/prefix.ts';
import { envName } from './field.ts';
import { planListen } from './listen-plan.ts';
import { loadSettings } from './load.ts';
import { formatOrigin } from './origin.ts';
import { showSettings, writeToml } from './present.ts';
import { FIELDS } from './schema.ts';
import { load, mistakes, origin, sources, york } from './test-sources.ts';

describe('precedence: defaults < file < environment < flags', () => {
  const key = 'monitoring.log_level';
  const file = '[monitoring]\nlog_level = "warn"\n';
  const env = { QUICETHER_LOG_LEVEL: 'debug' };
  const flags = [{ name: '--log-level', text: 'trace' }];
  test.each([
    ['', {}, 'info', 'default'],
    [file, {}, 'warn', 'config.toml:2'],
    [file, { env }, 'debug', 'QUICETHER_LOG_LEVEL'],
    [file, { env: { QUICETHER_MONITORING_LOG_LEVEL: 'debug' } }, 'debug', 'QUICETHER_MONITORING_LOG_LEVEL'],
    [file, { env, flags }, 'trace', '--log-level'],
  ])('%j %j', (text, more, value, from) => {
    const loaded = load(text, more);
    expect([loaded.settings.monitoring.logLevel, origin(loaded, key)]).toEqual([value, from]);
  });

  test('a wrong value is an error even when a stronger source has a right one', () => {
    expect(mistakes('[monitoring]\nlog_level = "loud"\n', { env })).toHaveLength(1);
  });

  test('two names of one key in the environment must agree', () => {
    const both = { QUICETHER_LOG_LEVEL: 'debug', QUICETHER_MONITORING_LOG_LEVEL: 'warn' };
    expect(mistakes('', { env: both })).toEqual([
      'QUICETHER_MONITORING_LOG_LEVEL and QUICETHER_LOG_LEVEL are both set and differ; keep one',
    ]);
    expect(mistakes('', { env: { ...both, QUICETHER_LOG_LEVEL: 'warn' } })).toEqual([]);
  });

  test('lists in the environment are separated by commas, repeated flags add up', () => {
    const env2 = { QUICETHER_NETWORK_ADVERTISE_SUBNETS: '10.1.0.0/16, fd01::/64' };
    expect(load('', { env: env2 }).settings.network.advertiseSubnets.map(formatPrefix)).toEqual([
      '10.1.0.0/16',
      'fd01::/64',
    ]);
    const given = [
      { name: '--forward-subnet', text: '10.1.0.0/16' },
      { name: '--advertise-subnet', text: '10.2.0.0/16' },
    ];
    expect(load('', { flags: given }).settings.network.advertiseSubnets.map(formatPrefix)).toEqual([
      '10.1.0.0/16',
      '10.2.0.0/16',
    ]);
  });

  test('the default of the key file follows the state directory', () => {
    expect(load('').settings.node.keyFile).toBe('/var/lib/quicether/node.key');
    expect(load('', { env: { QUICETHER_STATE_DIR: '/tmp/a' } }).settings.node.keyFile).toBe('/tmp/a/node.key');
    expect(load('').settings.node.name).toBe('box');
  });
});

describe('the rest', () => {
  test('keys of unbuilt features are accepted, and that is said', () => {
    const { notices } = load('[overlay]\ndefault_gateway = "York"\n');
    expect(notices.map(failureLine)).toEqual([
      'config.toml:2:1: overlay.default_gateway: accepted, but without effect: this feature is not built yet',
    ]);
    expect(load('').notices).toEqual([]);
  });

  test('both overlay addresses can be given', () => {
    const { settings } = load('[network]\ntun_addr = ["100.64.3.7/16", "fd00::7/64"]');
    expect(settings.network.tunAddresses.map(formatInterfaceAddress)).toEqual(['100.64.3.7/16', 'fd00::7/64']);
  });

  test('listening somewhere named answers strangers, listening everywhere does not', () => {
    const shown = (text: string) => {
      const { addresses, answerStrangers } = planListen(load(text).settings);
      return [...addresses.map(formatHostPort), answerStrangers];
    };
    expect(shown('')).toEqual(['0.0.0.0:9000', '[::]:9000', false]);
    expect(shown('[discovery]\nlisten = ["192.0.2.1:7"]')).toEqual(['192.0.2.1:7', true]);
    expect(shown('[discovery]\ndht_port = 7')).toEqual(['0.0.0.0:7', '[::]:7', false]);
  });

  test('every key has one name in the environment, one place in the file, and a sentence', () => {
    expect(new Set(FIELDS.map(({ field }) => envName(field.key))).size).toBe(FIELDS.length);
    for (const { section, field } of FIELDS) {
      expect(field.key.startsWith(`${section}.`), field.key).toBe(true);
      expect(field.meaning, field.key).toMatch(/\.$/);
    }
  });

  test('settings written as a file read back as the same settings', () => {
    const text = `[node]\nname = "Büro \\"7\\""\n[network]\ntun_addr = "100.64.3.7/16"\nadvertise_subnets = ["10.0.0.0/8"]\n[multipath]\nweights = { eth0 = 1.5, "wlan.0" = 2 }\npolicies.interactive_max_rtt_ms = 80\n[monitoring]\nmetrics_addr = "127.0.0.1:9090"\n[[peers]]\nnode_id = "${york}"\nprefixes = ["fd00::/8"]\n[[peers]]\naddress = "a.example:1"\n`;
    const loaded = load(text);
    const again = load(writeToml(showSettings(loaded), (one) => `from ${formatOrigin(one.origin)}`));
    expect(again.settings).toEqual(loaded.settings);
  });

  test('no text, environment or flag makes it throw, and each mistake has a code and a sentence', () => {
    const keys = FIELDS.map(({ field }) => field.key);
    const value = fc.oneof(
      fc.constantFrom('1', '"x"', '[]', '["10.0.0.0/8"]', '{}', 'true', '-1', '1e400', 'nan', '""'),
      fc.string(),
    );
    const line = fc.oneof(
      fc.tuple(fc.constantFrom(...keys, 'peers', 'version', 'x'), value).map(([key, one]) => `${key} = ${one}`),
      fc.string(),
    );
    const env = fc.dictionary(fc.constantFrom(...keys.map(envName), 'QUICETHER_NODE_X'), fc.string());
    const flag = fc.record({
      name: fc.constantFrom('--peer', '--route', '--mtu', '--listen', '--tun-addr'),
      text: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), env, fc.array(flag, { maxLength: 3 }), (lines, given, flags) => {
        const loaded = loadSettings(sources(lines.join('\n'), { env: given, flags }));
        if (loaded.ok) return;
        expect(loaded.error.length).toBeGreaterThan(0);
        for (const failure of loaded.error)
          expect([failure.code, failure.message]).toEqual([
            expect.stringMatching(/^(settings|usage)\./),
            expect.any(String),
          ]);
      }),
      { numRuns: 500 },
    );
  });
});
