export type TestCount = { readonly passed: number; readonly failed: number };

export const addCounts = (a: TestCount, b: TestCount): TestCount => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
});

/** A step that is one test: a lab scenario, a compiler, a linter. */
export const countStatus = (status: number): TestCount => ({
  passed: status === 0 ? 1 : 0,
  failed: status === 0 ? 0 : 1,
});

/** Sum of the `test result:` lines of cargo; a build that fails has none and counts as one failure. */
export function countCargo(output: string, status: number): TestCount {
  let passed = 0;
  let failed = 0;
  for (const match of output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed/gm)) {
    passed += Number(match[1]);
    failed += Number(match[2]);
  }
  return { passed, failed: status !== 0 && failed === 0 ? 1 : failed };
}

type VitestReport = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
};

/**
 * What the JSON report of vitest says; a file that could not be loaded counts as one failure.
 *
 * A missing report means that vitest itself fell over: one failure.
 */
export function countVitest(report: string | undefined, status: number): TestCount {
  if (report === undefined) return { passed: 0, failed: 1 };
  const read = JSON.parse(report) as VitestReport;
  const unloaded = read.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const failed = read.numFailedTests + unloaded.length;
  return { passed: read.numPassedTests, failed: status !== 0 && failed === 0 ? 1 : failed };
}
