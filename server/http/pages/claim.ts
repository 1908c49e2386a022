import * as z from 'zod';
import { claimPage } from '../../../views/pages/claim.ts';
import type { Failure } from '../../core/result.ts';
import type { BoxCertificate } from '../certificate.ts';
import { keepSession } from '../cookies.ts';
import { fieldOf } from '../form.ts';
import type { FormFields, PageModule } from '../front.ts';
import { sentenceOf } from '../sentence.ts';

const ClaimForm = z
  .object({
    same: z.literal('yes', 'Compare the words first, then tick this.'),
    code: z.string('Type the claim code.').trim().min(1, 'Type the claim code.').max(64, 'A claim code is shorter.'),
    user_name: z.string('Choose a name.').trim().min(1, 'Choose a name.').max(64, 'Take at most 64 characters.'),
    password: z.string('Choose a password.').min(1, 'Choose a password.').max(1_024, 'Take at most 1024 characters.'),
    password_again: z.string('Type it again.'),
  })
  .refine(({ password, password_again }) => password === password_again, {
    path: ['password_again'],
    message: 'This is not the password above. Type both again.',
  });

/** Which field a failure is about; others get a page of their own. */
const FIELD_OF: Readonly<Record<string, string>> = {
  'people.wrong-claim-code': 'code',
  'people.throttled': 'code',
  'people.user-name': 'user_name',
  'people.user-exists': 'user_name',
  'people.weak-password': 'password',
};

/** The first page of a box that belongs to nobody. */
export function claimPages(certificate: () => BoxCertificate): PageModule {
  const shown = (typed: FormFields, mistakes: Readonly<Record<string, string>>) => {
    const { words, fingerprint } = certificate();
    const userName = fieldOf(typed, 'user_name') ?? '';
    return { words, fingerprint, userName, code: '', mistakes };
  };
  return (app, front) => {
    app.get('/claim', (c) => front.gate(c, (page) => claimPage(page, shown({}, {}))));

    app.post('/claim', async (c) => {
      const form = await front.form(c, ClaimForm);
      if (!form.ok) return front.gate(c, (page) => claimPage(page, shown(form.typed, form.mistakes)), 422);
      const { code, user_name, password } = form.value;
      const claimed = await front.ask(c, 'Claim', { code, user_name, password });
      if (claimed.ok) {
        keepSession(c, claimed.value.session);
        return front.redirectTo(c, '/', { state: 'working', title: 'This box is yours' });
      }
      const mistakes = mistakeOf(claimed.error);
      if (!mistakes) return front.failed(c, claimed.error);
      return front.gate(c, (page) => claimPage(page, shown(form.typed, mistakes)), 422);
    });
  };
}

function mistakeOf(failure: Failure): Readonly<Record<string, string>> | undefined {
  const field = FIELD_OF[failure.code];
  return field === undefined ? undefined : { [field]: sentenceOf(failure) };
}
