import { expect, test } from 'vitest';
import { createPasswordHasher } from './password.ts';

// As cheap as the algorithm lets it be: what is tried here is not its strength.
const hasher = createPasswordHasher({ memoryKib: 8, passes: 1 });

test('a password fits its own hash only, and hashes of one password differ', async () => {
  const [one, two] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')]);
  if (!one.ok || !two.ok) throw new Error('no hash');
  expect(one.value).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$/);
  expect(one.value).not.toBe(two.value);
  expect(await hasher.verify('correct horse', one.value)).toEqual({ ok: true, value: true });
  expect(await hasher.verify('correct horsf', one.value)).toEqual({ ok: true, value: false });
});

test('the parameters are those of the hash, so that they can be raised later', async () => {
  const made = await createPasswordHasher({ memoryKib: 16, passes: 2 }).hash('correct horse');
  expect(await hasher.verify('correct horse', made.ok ? made.value : '')).toEqual({ ok: true, value: true });
});

test.each([
  '',
  'x',
  `$argon2id$v=19$m=9999999,t=99,p=1$AAAAAAAAAAAAAAAAAAAAAA$${'A'.repeat(43)}`,
  '$argon2d$v=19$m=8,t=1,p=1$a$b',
])('what is no hash of ours fits nothing and costs nothing: %j', async (stored) =>
  expect(await hasher.verify('correct horse', stored)).toEqual({ ok: true, value: false }),
);

test('the strength of the real one is what OWASP asks for', async () => {
  const made = await createPasswordHasher().hash('correct horse');
  expect(made.ok && made.value).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

test('a crowd is turned away instead of filling the memory', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, () => hasher.hash('correct horse')));
  const codes = all.filter((one) => !one.ok).map((one) => !one.ok && one.error.code);
  expect(codes).toHaveLength(100 - 66);
  expect(new Set(codes)).toEqual(new Set(['people.busy']));
  expect((await hasher.hash('correct horse')).ok).toBe(true);
});
