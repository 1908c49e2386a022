import { failWith, ok } from '../../core/result.ts';
import type { Operation } from '../../operations/operation.ts';
import type { AskHere } from './precondition.ts';
import type { RestResult } from './rest-failure.ts';

/** No operation takes a list, so nothing is carried out. */
const NOT_AN_INPUT: object = [];

/**
 * Whether whoever asks might do this at all, as the daemon decides (and audits) it.
 *
 * Asked when a request cannot be passed on as it is: who may not do it learns that, and not what is wrong
 * with the request. The daemon looks at who asks first, and then at an input that is none.
 */
export async function askStanding(operation: Operation, ask: AskHere): Promise<RestResult<void>> {
  if (operation.role === 'anyone') return ok(undefined);
  const said = await ask(operation.method, NOT_AN_INPUT);
  return said.ok || said.error.code === 'rpc.bad-params' ? ok(undefined) : failWith(said.error);
}
