import { expect, test } from 'vitest';
import { parseHostPort } from '../../core/host-port.ts';
import { parseNodeId } from '../../core/node-id.ts';
import type { Failure } from '../../core/result.ts';
import { fieldMistakes } from './add-office.ts';

const failureOf = (result: { ok: true } | { ok: false; error: Failure }): Failure => {
  if (result.ok) throw new Error('it was taken');
  return result.error;
};

test.each([
  ['york', 'Its identity begins with qe1.'],
  ['qe1york', 'Its identity is not right: a character is wrong or missing.'],
])('an identity that is none is told without names of programs: %s', (text, said) => {
  const failure = failureOf(parseNodeId(text));
  const mistakes = fieldMistakes({ ...failure, message: `node_id: ${failure.message}` });
  expect(mistakes?.['node_id']).toContain(said);
  expect(mistakes?.['node_id']).not.toMatch(/node_?id/i);
});

test('an address says what is wrong with it, beside where it was typed', () => {
  const failure = failureOf(parseHostPort('https://10.9.9.2:9000/'));
  const said = fieldMistakes({ code: 'peer.address', message: `address: ${failure.message}` });
  expect(said?.['address']).toMatch(/^"https:.*leave out https:\/\/ and every slash/);
});
