import * as z from 'zod';
import { formatHostPort, parseHostPort } from '../core/host-port.ts';
import { parseNodeId } from '../core/node-id.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { AcceptedPeer, AcceptedPeerStore, Learned, LearnedStore } from '../operations/world.ts';
import { readStateFile, replaceStateFile } from './state-file.ts';

const StoredPeers = z.object({
  version: z.literal(1),
  peers: z.array(
    z.object({
      node_id: z.string(),
      name: z.string().optional(),
      addresses: z.array(z.string()).default([]),
      accepted_at: z.iso.datetime(),
    }),
  ),
});

/** Accepted peers in one file; a damaged file stops the start instead of silently forgetting peers. */
export function openPeerStore(path: string): AcceptedPeerStore {
  return {
    read: () => {
      const text = readStateFile(path);
      if (!text.ok) return text;
      return text.value === undefined ? ok([]) : decodePeers(path, text.value);
    },
    write: (peers) => replaceStateFile(path, encodePeers(peers)),
  };
}

function encodePeers(peers: readonly AcceptedPeer[]): string {
  const stored: z.input<typeof StoredPeers> = {
    version: 1,
    peers: peers.map(({ nodeId, name, addresses, acceptedAtMs }) => ({
      node_id: nodeId,
      ...(name === undefined ? {} : { name }),
      addresses: addresses.map(formatHostPort),
      accepted_at: new Date(acceptedAtMs).toISOString(),
    })),
  };
  return `${JSON.stringify(stored, null, 2)}\n`;
}

function decodePeers(path: string, text: string): Result<AcceptedPeer[]> {
  const damaged = (why: string): Result<never> =>
    fail('state.damaged', `${path}: is damaged: ${why}`, {
      remedy: 'restore it from a backup, or move it away and accept the peers again',
    });
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return damaged('it is not JSON');
  }
  const stored = StoredPeers.safeParse(raw);
  if (!stored.success) {
    const [issue] = stored.error.issues;
    return damaged(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it has another form'}`);
  }
  const peers: AcceptedPeer[] = [];
  for (const { node_id, name, addresses, accepted_at } of stored.data.peers) {
    const nodeId = parseNodeId(node_id);
    if (!nodeId.ok) return damaged(nodeId.error.message);
    const places = addresses.map((address) => parseHostPort(address));
    const wrong = places.find((place) => !place.ok);
    if (wrong && !wrong.ok) return damaged(wrong.error.message);
    peers.push({
      nodeId: nodeId.value,
      name,
      addresses: places.flatMap((place) => (place.ok ? [place.value] : [])),
      acceptedAtMs: Date.parse(accepted_at),
    });
  }
  return ok(peers);
}

const StoredLearned = z.object({
  claims: z.record(z.string(), z.array(z.string())),
  names: z.record(z.string(), z.array(z.string())),
});

/** What was learned, in one file that may be lost: without it things only take longer. */
export function openLearnedStore(path: string, warn: (message: string) => void): LearnedStore {
  let last = '';
  return {
    read: (): Learned => {
      const text = readStateFile(path);
      if (!text.ok || text.value === undefined) return { claims: {}, names: {} };
      try {
        return StoredLearned.parse(JSON.parse(text.value));
      } catch {
        warn(`${path}: is damaged and is written anew`);
        return { claims: {}, names: {} };
      }
    },
    write: (learned) => {
      const text = `${JSON.stringify(learned)}\n`;
      if (text === last) return;
      const written = replaceStateFile(path, text);
      if (written.ok) last = text;
      else warn(written.error.message);
    },
  };
}
