import { type AuditEvent, type ChainedEvent, fits } from '../audit/event.ts';
import { ok } from '../core/result.ts';
import type { AuditPort } from './audit-port.ts';

/** An audit for tests, in memory and without a chain. */
export class SimulatedAudit implements AuditPort {
  readonly events: ChainedEvent[] = [];
  problem: AuditPort['problem'];

  get lastSeq(): number {
    return this.events.length;
  }

  append(event: AuditEvent): void {
    this.events.push({ ...event, seq: this.events.length + 1, tsMs: 0, prev: '' });
  }

  async query(filter: Parameters<AuditPort['query']>[0], limit: number): ReturnType<AuditPort['query']> {
    const found = this.events.filter((event) => fits(event, filter)).toReversed();
    const events = found.slice(0, limit);
    return ok({ events, nextBefore: found.length > limit ? events.at(-1)?.seq : undefined });
  }

  recent(filter: Parameters<AuditPort['query']>[0], limit: number): readonly ChainedEvent[] {
    return this.events
      .filter((event) => fits(event, filter))
      .toReversed()
      .slice(0, limit);
  }

  async wait(): Promise<void> {}

  async verify(): ReturnType<AuditPort['verify']> {
    const last = this.events.length;
    return ok({ isIntact: true, events: last, firstSeq: 1, lastSeq: last, head: '0', problem: undefined });
  }

  async lines(afterSeq: number, limit: number): ReturnType<AuditPort['lines']> {
    const found = this.events.filter(({ seq }) => seq > afterSeq);
    const lines = found.slice(0, limit).map((event) => JSON.stringify(event));
    return ok({ lines, next: found.length > limit ? found[limit - 1]?.seq : undefined });
  }
}
