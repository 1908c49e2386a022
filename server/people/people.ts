import { PasswordCheck } from './password-check.ts';
import type { PeoplePorts } from './ports.ts';
import { SecondFactors } from './second-factors.ts';
import { SessionBook } from './sessions.ts';
import { SignInDesk } from './sign-in.ts';
import { TokenBook } from './tokens.ts';
import { UserBook } from './users.ts';

/** Everything the box knows of people and programs, and what they showed. */
export interface People {
  readonly users: UserBook;
  readonly sessions: SessionBook;
  readonly tokens: TokenBook;
  readonly factors: SecondFactors;
  readonly signIn: SignInDesk;
  readonly passwords: PasswordCheck;
  /** `security.require_2fa` */
  readonly requiresSecondFactor: boolean;
}

export function createPeople(ports: PeoplePorts): People {
  const passwords = new PasswordCheck(ports);
  const sessions = new SessionBook(ports);
  const factors = new SecondFactors(ports, passwords);
  return {
    users: new UserBook(ports, passwords),
    sessions,
    tokens: new TokenBook(ports),
    factors,
    signIn: new SignInDesk(ports, { passwords, sessions, factors }),
    passwords,
    requiresSecondFactor: ports.requiresSecondFactor,
  };
}
