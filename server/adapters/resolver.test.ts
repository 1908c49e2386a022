import { expect, test } from 'vitest';
import { ok, type Result } from '../core/result.ts';
import { createResolver, resolveName } from './resolver.ts';

type Found = Result<readonly string[]>;

test('the hosts file counts', async () => {
  expect(await resolveName('localhost')).toMatchObject({ ok: true });
});

test('a server that does not answer is not asked again behind the first question', async () => {
  const questions: string[] = [];
  const answers: ((found: Found) => void)[] = [];
  const resolve = createResolver((name) => {
    questions.push(name);
    return new Promise((answer) => answers.push(answer));
  }, 5);
  for (let i = 0; i < 3; i++) {
    expect(await resolve('york.example')).toMatchObject({ error: { code: 'resolve.timeout' } });
  }
  expect(await resolve('leeds.example')).toMatchObject({ error: { code: 'resolve.timeout' } });
  expect(questions).toEqual(['york.example', 'leeds.example']);
  const waiting = resolve('york.example');
  answers[0]?.(ok(['192.0.2.1']));
  expect(await waiting).toEqual(ok(['192.0.2.1']));
  void resolve('york.example');
  expect(questions).toHaveLength(3);
});
