import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Result } from '../../server/core/result.ts';
import { RpcClient } from '../../server/rpc/client.ts';
import type { MethodName, ParamsOf, ResultOf } from '../../server/rpc/methods.ts';
import { ContractBox, canRun } from './contract-box.ts';

const PASSWORD = 'correct horse staple nine';

describe.skipIf(!canRun)('a change on trial, by people who signed in', () => {
  let box: ContractBox;
  let client: RpcClient | undefined;
  beforeEach(() => {
    box = new ContractBox();
  });
  afterEach(() => {
    client?.close();
    box.remove();
  });

  /** Calls as the pages make them, for the session that they were shown. */
  async function front() {
    const opened = await RpcClient.connect(box.socket, 'test front', { front: true });
    if (!opened.ok) throw new Error(opened.error.message);
    client = opened.value;
    const rpc = opened.value;
    const from = { source: '192.0.2.7', surface: 'page' } as const;
    return <M extends MethodName>(
      method: M,
      params: ParamsOf<M>,
      session?: string | null,
    ): Promise<Result<ResultOf<M>>> => rpc.call(method, params, { onBehalf: session ? { ...from, session } : from });
  }

  test('asks for the password, is confirmed by nobody else, and stays when the same person says so', async () => {
    await box.start();
    const ask = await front();
    const { code } = await box.json<{ code: string }>('user', 'claim-code');
    const anna = must(await ask('Claim', { code, user_name: 'anna', password: PASSWORD })).session;
    must(await ask('ProvePassword', { password: PASSWORD }, anna));
    must(await ask('AddUser', { user_name: 'ben', role: 'admin', password: PASSWORD }, anna));
    const ben = must(await ask('SignIn', { user_name: 'ben', password: PASSWORD })).session;
    const addresses = ['0.0.0.0:9001'];

    expect(await ask('TryListen', { addresses })).toMatchObject({ error: { code: 'permission.signed-out' } });
    const again = must(await ask('SignIn', { user_name: 'anna', password: PASSWORD })).session;
    const unproven = await ask('TryListen', { addresses }, again);
    if (!unproven.ok) {
      expect(unproven.error.code).toBe('permission.password');
      must(await ask('ProvePassword', { password: PASSWORD }, again));
    }
    const trial = unproven.ok ? unproven.value : must(await ask('TryListen', { addresses }, again));
    expect(trial).toMatchObject({ who: 'anna', mine: true });

    expect(must(await ask('GetTrial', {}, ben)).trial).toMatchObject({ trial_id: trial.trial_id, mine: false });
    const { trial_id } = trial;
    expect(await ask('ConfirmTrial', { trial_id }, ben)).toMatchObject({ error: { code: 'permission.trial' } });
    expect((await box.run(['trial', 'confirm'])).status).toBe(4);
    expect(await ask('ConfirmTrial', { trial_id })).toMatchObject({ error: { code: 'permission.signed-out' } });
    must(await ask('SignOut', {}, again));
    expect(await ask('ConfirmTrial', { trial_id }, again)).toMatchObject({ error: { code: 'permission.signed-out' } });
    const back = must(await ask('SignIn', { user_name: 'anna', password: PASSWORD })).session;
    must(await ask('ConfirmTrial', { trial_id }, back));
    expect((await box.json<{ listen: string[] }>('status')).listen).toEqual(addresses);

    const { events } = must(await ask('GetAudit', { limit: 200 }, back));
    const told = events.toReversed().map(({ event, who, outcome }) => `${event} ${who} ${outcome}`);
    expect(told).toEqual(
      expect.arrayContaining([
        'listen.try somebody refused',
        'listen.try anna done',
        'trial.confirm ben refused',
        'trial.confirm root refused',
        'trial.confirm anna done',
      ]),
    );
    expect(JSON.stringify(events)).not.toContain(PASSWORD);
  });
});

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}
