/** What is found out about the image, one sentence at a time. */
export class Findings {
  passed = 0;
  failed = 0;
  readonly figures: Record<string, number | string> = {};
  readonly #startMs = performance.now();

  /** One thing that has to be so; `what` says it as it should be. */
  check(what: string, isSo: boolean, otherwise: unknown = ''): void {
    if (isSo) this.passed += 1;
    else this.failed += 1;
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(0).padStart(4);
    const detail = isSo || otherwise === '' ? '' : `\n     found: ${String(otherwise).slice(0, 1500)}`;
    process.stdout.write(`${seconds} s  ${isSo ? 'ok  ' : 'FAIL'}  ${what}${detail}\n`);
  }

  /** Runs one trial; one that throws has failed, and the next goes on. */
  async trial(name: string, run: () => Promise<void>): Promise<void> {
    process.stdout.write(`-- ${name}\n`);
    try {
      await run();
    } catch (error) {
      this.check(`${name} runs to its end`, false, (error as Error).stack ?? error);
    }
  }

  get seconds(): number {
    return Math.round((performance.now() - this.#startMs) / 1000);
  }
}
