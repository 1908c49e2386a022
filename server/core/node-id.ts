import { type Bech32mProblem, decodeBech32m, encodeBech32m } from './bech32m.ts';
import { fail, ok, type Result } from './result.ts';

declare const brand: unique symbol;

/** Identity of a box in its one text form, `qe1...`; equal texts are equal boxes. */
export type NodeId = string & { readonly [brand]: 'NodeId' };

/** Bytes of a NodeId: the key space of the DHT. */
export const NODE_ID_LEN = 20;

const HRP = 'qe';

// The engine says the same words (dataplane/core/src/node_id.rs).
const REASONS: Readonly<Record<Bech32mProblem, string>> = {
  prefix: 'is not a NodeId: those begin with qe1',
  checksum: 'is not a NodeId: its checksum does not fit, so a character is wrong or missing',
  length: 'is not a NodeId: its length is wrong',
};

/** Reads `qe1...`, lower case only; a mistyped character is always caught by the checksum. */
export function parseNodeId(text: string): Result<NodeId> {
  const bytes = decodeBech32m(HRP, text);
  const problem = typeof bytes === 'string' ? bytes : bytes.length === NODE_ID_LEN ? undefined : 'length';
  if (problem) return fail(`node-id.${problem}`, `"${text}" ${REASONS[problem]}`);
  return ok(text as NodeId);
}

/** The NodeId of these 20 bytes. */
export function nodeIdFromBytes(bytes: Uint8Array): NodeId {
  if (bytes.length !== NODE_ID_LEN) throw new RangeError(`a NodeId has ${NODE_ID_LEN} bytes, not ${bytes.length}`);
  return encodeBech32m(HRP, bytes) as NodeId;
}

export function nodeIdBytes(id: NodeId): Uint8Array {
  const bytes = decodeBech32m(HRP, id);
  if (typeof bytes === 'string') throw new TypeError(`not a NodeId: ${id}`);
  return bytes;
}
