/*
 * `npm test`: everything once, output as it comes, and one last line that counts.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCommand } from './run-command.ts';
import { addCounts, countCargo, countStatus, countVitest, type TestCount } from './test-count.ts';

type Step = { readonly name: string; readonly run: () => Promise<TestCount> };

const root = join(import.meta.dirname, '..');
const reports = join(root, 'build', 'test');
const SCENARIO_TIMEOUT_MS = 300_000;
const SUITE_TIMEOUT_MS = 1_800_000;

/** One step of `npm run check`, which counts as one test. */
const check = (name: string): Step => ({
  name: `check ${name}`,
  run: async () => countStatus((await runCommand(process.execPath, [join(root, 'scripts/check.ts'), name])).status),
});

const vitest = (project: string): Step => ({
  name: `${project} tests`,
  async run() {
    const report = join(reports, `${project}.json`);
    rmSync(report, { force: true });
    const program = join(root, 'node_modules/vitest/vitest.mjs');
    const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const options = { cwd: root, timeoutMs: SUITE_TIMEOUT_MS };
    const { status } = await runCommand(process.execPath, [program, ...args, '--passWithNoTests'], options);
    return countVitest(existsSync(report) ? readFileSync(report, 'utf8') : undefined, status);
  },
});

const cargo: Step = {
  name: 'engine tests (cargo, all crates)',
  async run() {
    const args = ['test', '--workspace', '--no-fail-fast', '--manifest-path', 'dataplane/Cargo.toml'];
    const { status, output } = await runCommand('cargo', args, { cwd: root, timeoutMs: SUITE_TIMEOUT_MS });
    return countCargo(output, status);
  },
};

const clippy: Step = {
  name: 'check clippy of all crates',
  async run() {
    const args = ['clippy', '--workspace', '--all-targets', '--manifest-path', 'dataplane/Cargo.toml'];
    const options = { cwd: root, timeoutMs: SUITE_TIMEOUT_MS };
    return countStatus((await runCommand('cargo', [...args, '--', '-D', 'warnings'], options)).status);
  },
};

/** Every decoder, fed with hostile bytes; long enough in CI to find what a change broke. */
const fuzz: Step = {
  name: 'fuzz (every decoder)',
  async run() {
    const seconds = process.env['CI'] ? 60 : 10;
    const manifest = ['--manifest-path', 'dataplane/Cargo.toml', '-p', 'quicether-fuzz'];
    const args = ['run', '--release', ...manifest, '--', 'all', String(seconds)];
    return countStatus((await runCommand('cargo', args, { cwd: root, timeoutMs: SUITE_TIMEOUT_MS })).status);
  },
};

const scenario = (name: string): Step => ({
  name: `lab ${name}`,
  async run() {
    const args = ['run', '--silent', 'lab', '--', name];
    return countStatus((await runCommand('npm', args, { cwd: root, timeoutMs: SCENARIO_TIMEOUT_MS })).status);
  },
});

/** The image built and booted once: the claim page comes up, bundles that must be refused are. */
const image: Step = {
  name: 'image (first boot)',
  async run() {
    const args = ['run', '--silent', 'image', '--', 'test', '--quick'];
    const { status, output } = await runCommand('npm', args, { cwd: root, timeoutMs: SUITE_TIMEOUT_MS });
    const said = /^\{"image":\{"passed":(\d+),"failed":(\d+)/m.exec(output);
    return said ? { passed: Number(said[1]), failed: Number(said[2]) } : countStatus(status || 1);
  },
};

function scenarioNames(): string[] {
  const folder = join(root, 'test/lab/scenarios');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  return files.map((file) => basename(file, '.ts')).sort();
}

const steps: readonly Step[] = [
  ...['types', 'lint', 'unused', 'format'].map(check),
  ...['unit', 'layout', 'contracts'].map(vitest),
  clippy,
  cargo,
  fuzz,
  vitest('package'),
  image,
  vitest('browser'),
  ...scenarioNames().map(scenario),
];

mkdirSync(reports, { recursive: true });
if (process.getuid?.() !== 0) {
  process.stdout.write('npm test: the lab makes network namespaces and will fail without root; run: sudo npm test\n');
}
const wanted = process.argv.slice(2);
let total: TestCount = { passed: 0, failed: 0 };
const failedSteps: string[] = [];
for (const [index, step] of steps.entries()) {
  if (wanted.length > 0 && !wanted.some((word) => step.name.includes(word))) continue;
  const startMs = performance.now();
  process.stdout.write(`\n== ${index + 1}/${steps.length} ${step.name}\n`);
  const count = await step.run();
  total = addCounts(total, count);
  if (count.failed > 0) failedSteps.push(step.name);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  process.stdout.write(`== ${step.name}: ${count.passed} passed, ${count.failed} failed, ${seconds} s\n`);
}
if (failedSteps.length > 0) process.stdout.write(`\nfailed in: ${failedSteps.join('; ')}\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
