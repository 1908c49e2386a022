import * as z from 'zod';
import { formatHostPort, parseHostPort } from '../core/host-port.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { SoughtPlace, SoughtStore } from '../operations/world.ts';
import { readStateFile, replaceStateFile } from './state-file.ts';

const Stored = z.object({
  version: z.literal(1),
  places: z.array(z.object({ address: z.string(), name: z.string().optional(), added_at: z.iso.datetime() })),
});

/** Places that people added, in one file; a damaged one stops the start instead of silently forgetting them. */
export function openSoughtStore(path: string): SoughtStore {
  return {
    read: () => {
      const text = readStateFile(path);
      if (!text.ok) return text;
      return text.value === undefined ? ok([]) : decode(path, text.value);
    },
    write: (places) => {
      const stored: z.input<typeof Stored> = {
        version: 1,
        places: places.map(({ address, name, addedAtMs }) => ({
          address: formatHostPort(address),
          ...(name === undefined ? {} : { name }),
          added_at: new Date(addedAtMs).toISOString(),
        })),
      };
      return replaceStateFile(path, `${JSON.stringify(stored, null, 2)}\n`);
    },
  };
}

function decode(path: string, text: string): Result<SoughtPlace[]> {
  const damaged = (why: string): Result<never> =>
    fail('state.damaged', `${path}: is damaged: ${why}`, {
      remedy: 'restore it from a backup, or move it away and add the addresses again',
    });
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return damaged('it is not JSON');
  }
  const stored = Stored.safeParse(raw);
  if (!stored.success) return damaged(stored.error.issues[0]?.message ?? 'it has another form');
  const places: SoughtPlace[] = [];
  for (const { address, name, added_at } of stored.data.places) {
    const parsed = parseHostPort(address);
    if (!parsed.ok) return damaged(parsed.error.message);
    places.push({ address: parsed.value, name, addedAtMs: Date.parse(added_at) });
  }
  return ok(places);
}
