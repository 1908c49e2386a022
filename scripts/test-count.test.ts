import { expect, test } from 'vitest';
import { countCargo, countVitest } from './test-count.ts';

test('cargo results of several crates are added up', () => {
  const output = [
    'running 3 tests',
    'test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s',
    'test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s',
  ].join('\n');
  expect(countCargo(output, 101)).toEqual({ passed: 5, failed: 1 });
});

test('a crate that does not compile is a failure', () => {
  expect(countCargo('error[E0425]: cannot find value', 101)).toEqual({ passed: 0, failed: 1 });
});

test('a test file that cannot be loaded is a failure, although no test of it ran', () => {
  const report = JSON.stringify({
    numPassedTests: 4,
    numFailedTests: 1,
    testResults: [
      { status: 'failed', assertionResults: [{}] },
      { status: 'failed', assertionResults: [] },
    ],
  });
  expect(countVitest(report, 1)).toEqual({ passed: 4, failed: 2 });
});

test('vitest that leaves no report, or fails without saying which, is a failure', () => {
  expect(countVitest(undefined, 0)).toEqual({ passed: 0, failed: 1 });
  const clean = JSON.stringify({ numPassedTests: 4, numFailedTests: 0, testResults: [] });
  expect(countVitest(clean, 1)).toEqual({ passed: 4, failed: 1 });
});
