import type { Markup } from '../../views/markup.ts';
import type { When } from '../../views/words/time.ts';
import type { Result } from '../core/result.ts';
import type { Role } from '../operations/actor.ts';
import type { Ask } from './front.ts';

/** Something that pages show as it happens: asked once a second for all who watch with one role. */
export interface LiveTopic<Model> {
  /** As in `/events?show=home,office&of=qe1...`; what follows `of` is the key. */
  readonly name: string;
  readonly role: Role;
  poll(ask: Ask, key: string): Promise<Result<Model>>;
  /**
   * Parts of the page by a name of their own, each a whole `<hx-partial>` or out-of-band element; only
   * those that changed are sent. A failure (the daemon is away) is rendered too: as stale.
   */
  render(model: Result<Model>, about: LiveAbout): Readonly<Record<string, Markup>>;
}

export interface LiveAbout {
  readonly when: When;
  readonly key: string;
}
