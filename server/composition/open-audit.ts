import { join } from 'node:path';
import { AuditFile } from '../adapters/audit-file.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { AUDIT_RULES } from '../audit/rules.ts';
import type { Result } from '../core/result.ts';
import { auditEngineEvent } from '../operations/audit-engine.ts';
import type { AuditEvent } from '../operations/audit-port.ts';
import type { EnginePort, Steering } from '../operations/world.ts';
import type { Intent } from '../routing/intent.ts';
import type { Undo } from './undo.ts';

interface AuditParts {
  /** `security.audit_log` */
  readonly path: string;
  readonly stateDir: string;
  readonly version: string;
  readonly log: { warn(fields: object, text: string): void };
  readonly undo: Undo;
}

/**
 * Opens the audit where it is wanted; in the state directory when it cannot be written there.
 *
 * A path that is wrong must not keep a box from starting, nor may what happens go unwritten: the log and
 * the audit itself say where it is kept instead.
 */
export async function openAudit({ path, stateDir, version, log, undo }: AuditParts): Promise<Result<AuditFile>> {
  const options = { headPath: join(stateDir, 'audit.head'), clock: systemClock, rules: AUDIT_RULES, log };
  const wanted = await AuditFile.open({ ...options, path });
  const instead = join(stateDir, 'audit.json');
  const opened = wanted.ok || path === instead ? wanted : await AuditFile.open({ ...options, path: instead });
  if (!opened.ok) return opened;
  const audit = opened.value;
  if (!wanted.ok) {
    log.warn(
      { code: wanted.error.code },
      `security.audit_log: ${wanted.error.message}; the audit is kept in ${instead}`,
    );
    audit.append(box('audit.elsewhere', `the audit is kept here because of: ${wanted.error.message}`));
  }
  audit.append(box('box.started', `daemon ${version} started, process ${process.pid}`));
  undo.add(() => {
    audit.append(box('box.stopped', `daemon ${version} ended`));
    audit.close();
  });
  return opened;
}

/** Writes down what the engine tells of peers, by the names that people gave them. */
export function auditEngine(
  engine: EnginePort,
  audit: AuditFile,
  { steering, intent }: { readonly steering: Steering; readonly intent: Intent },
): void {
  const nameOf = (nodeId: string): string | undefined =>
    steering.accepted.find((peer) => peer.nodeId === nodeId)?.name ??
    intent.peers.find(({ id }) => id === nodeId)?.name;
  engine.onEvent((event, droppedEvents) => {
    if (droppedEvents > 0) {
      const detail = `${droppedEvents} events of the engine were lost: the daemon did not read them in time`;
      audit.append({ ...box('audit.dropped', detail), outcome: 'failed', facts: { count: droppedEvents } });
    }
    const kept = auditEngineEvent(event, { self: intent.id, nameOf });
    if (kept) audit.append(kept);
  });
}

function box(event: string, detail: string): AuditEvent {
  return { event, who: 'box', source: '', surface: 'box', outcome: 'done', detail };
}
