import type { Clock } from '../core/clock.ts';
import { OPERATIONS } from '../operations/all.ts';
import type { BoxCertificate } from './certificate.ts';
import type { App, PageModule } from './front.ts';
import type { WebFront } from './make-front.ts';
import { claimPages } from './pages/claim.ts';
import { loginPages } from './pages/login.ts';
import { mountRest } from './rest/mount.ts';

/** Every page; what is not in this list is not there. */
export function allPages(certificate: () => BoxCertificate): readonly PageModule[] {
  return [claimPages(certificate), loginPages];
}

/** What programs use, below `/api`. */
export function mountApi(app: App, front: WebFront, clock: Clock): void {
  mountRest(app, {
    daemon: front.daemon,
    clock,
    operations: OPERATIONS,
    sourceOf: (c) => front.sourceOf(c),
    gate: (c, view, status) => front.gate(c, view, status),
  });
}
