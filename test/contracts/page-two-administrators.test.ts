import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, canServe, OWNER, tokenOf, WebBox } from './web-box.ts';

describe.skipIf(!canServe)('two administrators', () => {
  let box: WebBox;
  beforeEach(async () => {
    box = await new WebBox().start();
  });
  afterEach(() => box.stop());

  test('who change what one person may: the second is told, and the first one’s change stands', async () => {
    const first = await box.ownersBrowser();
    const { users } = box.daemon.world.people;
    const bert = await users.add('bert', 'viewer', 'what the tide left on the sand');
    if (!bert.ok) throw new Error(bert.error.message);
    const second = box.browser();
    await second.send('/sign-in', OWNER);
    const [page, same] = [await first.open('/people'), await second.open('/people')];
    const change = (role: string, seen: Answer) => ({
      csrf: tokenOf(seen),
      user_id: bert.value.userId,
      was: seen.text.split(`value="${bert.value.userId}"`)[1]?.match(/name="was" value="(\w+)"/)?.[1] ?? '',
      role,
      password: OWNER.password,
    });
    const done = await first.post('/people/role', change('operator', page));
    expect(done.headers['location']).toBe('/people#everybody');
    const late = await second.post('/people/role', change('admin', same));
    expect(late.status).toBe(409);
    expect(late.text).toContain('The role of bert is operator by now, no longer viewer.');
    expect(users.byId(bert.value.userId)).toMatchObject({ value: { role: 'operator' } });
    const again = await second.post('/people/role', change('admin', await second.open('/people')));
    expect(again.headers['location']).toBe('/people#everybody');
    expect(users.byId(bert.value.userId)).toMatchObject({ value: { role: 'admin' } });
  });
});
