/** Carries out what concerns one thing one after the other, so that nothing comes between a check and its change. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async take<T>(thing: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(thing) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => {});
    this.#last.set(thing, settled);
    try {
      return await turn;
    } finally {
      if (this.#last.get(thing) === settled) this.#last.delete(thing);
    }
  }
}
