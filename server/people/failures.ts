import { fail } from '../core/result.ts';

/** The same for a user that does not exist and a password that does not fit: who has an account is nobody's business. */
export function wrongCredentials() {
  return fail('people.wrong-credentials', 'user name or password is not right', {
    remedy: "check both; a lost password is reset at the box's console with: quicether user reset-password",
  });
}

export function wrongPassword() {
  return fail('people.wrong-password', 'the password is not right');
}

export function wrongCode() {
  return fail('people.wrong-code', 'the code is not right', {
    remedy: "take the newest code of the app and compare its clock with the box's, or use a recovery code",
  });
}

export function usedCode() {
  return fail('people.wrong-code', 'that code was used already', { remedy: 'wait for the next one' });
}

export function needsCode() {
  return fail('people.needs-code', 'this account has a second factor: a code is needed besides the password', {
    remedy: 'give the code of the app, or a recovery code',
  });
}

export function notAPerson() {
  return fail('people.not-a-person', 'only somebody who has signed in with a password has this', {
    remedy: 'sign in on the web page; on the console use: quicether user',
  });
}

export function unknownUser() {
  return fail('people.unknown-user', 'there is no such user on this box', { remedy: 'quicether user list names them' });
}

export function lastOwner() {
  return fail('people.last-owner', 'this is the last owner: a box without one could not be administered', {
    remedy: 'make somebody else an owner first',
  });
}
