import type { NodeId } from '../core/node-id.ts';

/** How people are shown a box: `York (…k3f9qa)`; names are not unique, the last 6 characters nearly are. */
export function displayName(box: { readonly id: NodeId; readonly name?: string | undefined }): string {
  const tail = `…${box.id.slice(-6)}`;
  return box.name ? `${box.name} (${tail})` : tail;
}
