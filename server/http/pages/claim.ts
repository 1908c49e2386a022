import * as z from 'zod';
import { type ClaimModel, claimPage } from '../../../views/pages/claim.ts';
import type { Failure } from '../../core/result.ts';
import type { BoxCertificate } from '../certificate.ts';
import { keepSession } from '../cookies.ts';
import { fieldOf } from '../form.ts';
import type { Front, PageModule, WebContext } from '../front.ts';
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

/** What may be wrong and leaves the code as it was typed. */
const BESIDES_CODE: ReadonlySet<string> = new Set(['user_name', 'password', 'password_again']);

/** The first page of a box that belongs to nobody. */
export function claimPages(certificate: () => BoxCertificate): PageModule {
  return (app, front) => {
    const show = async (c: WebContext, mistakes: ClaimModel['mistakes'], status: number) => {
      const { words, fingerprint } = certificate();
      const typed = c.req.method === 'POST' ? await typedIn(c, front, mistakes) : NOTHING_TYPED;
      return front.gate(c, (page) => claimPage(page, { words, fingerprint, ...typed, mistakes }), status);
    };
    app.get('/claim', (c) => show(c, {}, 200));

    app.post('/claim', async (c) => {
      const form = await front.form(c, ClaimForm);
      if (!form.ok) return show(c, form.mistakes, 422);
      const { code, user_name, password } = form.value;
      const claimed = await front.ask(c, 'Claim', { code, user_name, password });
      if (claimed.ok) {
        keepSession(c, claimed.value.session);
        return front.redirectTo(c, '/', { state: 'working', title: 'This box is yours' });
      }
      if (claimed.error.code === 'people.claimed') return claimedBefore(c, front);
      const mistakes = mistakeOf(claimed.error);
      return mistakes ? show(c, mistakes, 422) : front.failed(c, claimed.error);
    });
  };
}

type Typed = Pick<ClaimModel, 'userName' | 'code' | 'isCompared'>;
const NOTHING_TYPED: Typed = { userName: '', code: '', isCompared: false };

/** What need not be typed again: never a password, and the code only when something else was wrong. */
async function typedIn(c: WebContext, front: Front, mistakes: ClaimModel['mistakes']): Promise<Typed> {
  const fields = await front.fields(c);
  if (!fields.ok) return NOTHING_TYPED;
  const keepsCode = Object.keys(mistakes).every((name) => BESIDES_CODE.has(name));
  return {
    userName: fieldOf(fields.value, 'user_name') ?? '',
    code: keepsCode ? (fieldOf(fields.value, 'code') ?? '') : '',
    isCompared: fieldOf(fields.value, 'same') === 'yes',
  };
}

/** Somebody else was quicker; who it was is said only to a browser that is signed in. */
export async function claimedBefore(c: WebContext, front: Front): Promise<Response> {
  const fields = await front.fields(c);
  const wanted = fields.ok ? (fieldOf(fields.value, 'user_name') ?? '').trim().toLowerCase() : '';
  // Only what may be a name is said again.
  const account = /^[a-z0-9._@+-]{1,64}$/.test(wanted) ? `no account ${wanted}` : 'no account';
  const me = await front.me(c);
  const others = 'If that was not one of you, call your consultant.';
  return front.redirectTo(c, '/', {
    state: 'unknown',
    title: me.ok
      ? `This box was claimed before; ${account} was made`
      : `This box has an owner already; ${account} was made`,
    detail: me.ok ? `You are signed in as ${me.value.userName}.` : others,
  });
}

function mistakeOf(failure: Failure): Readonly<Record<string, string>> | undefined {
  const field = FIELD_OF[failure.code];
  return field === undefined ? undefined : { [field]: sentenceOf(failure) };
}
