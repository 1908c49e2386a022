import type { NodeId } from '../core/node-id.ts';
import type { Result } from '../core/result.ts';

/** The one thing that touches the node key: the engine's program. The key itself never comes here. */
export interface KeyTool {
  /** Makes a new key file and says who this box now is; never overwrites one. */
  make(keyFile: string): Result<NodeId>;
  /** Who the key in the file makes this box. */
  read(keyFile: string): Result<NodeId>;
}
