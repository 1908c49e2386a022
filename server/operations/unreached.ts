import { formatHostPort, type HostPort } from '../core/host-port.ts';
import type { Failure } from '../core/result.ts';

/** Why an address or name leads nowhere just now; as many as are dialled. */
export class Unreached {
  readonly #failures = new Map<string, Failure>();

  get failures(): readonly Failure[] {
    return [...this.#failures.values()];
  }

  unresolved(name: string, message: string): void {
    this.#failures.set(name, {
      code: 'peer.unresolved',
      message: `${name}: the name leads to no address (${message})`,
      remedy: 'check its spelling and the name server of this box',
    });
  }

  unanswered(address: string, reason: string): void {
    this.#failures.set(address, {
      code: 'peer.unreached',
      message: `${address}: ${reason}`,
      remedy:
        'check that the other box runs, listens there for boxes it does not know (--listen), and that UDP gets through',
    });
  }

  /** It answered, or nobody looks for it any more. */
  forget(addressOrName: string): void {
    this.#failures.delete(addressOrName);
  }

  /** What is wrong with a place; a name's addresses are tried in turn. */
  messageOf(place: HostPort, addressesOf: (name: string) => readonly string[]): string | undefined {
    if (!place.isName) return this.#failures.get(formatHostPort(place))?.message;
    const tried = addressesOf(place.host).map((host) => this.#failures.get(formatHostPort({ host, port: place.port })));
    return (this.#failures.get(place.host) ?? tried.find((failure) => failure !== undefined))?.message;
  }
}
