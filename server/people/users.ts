import { fail, ok, type Result } from '../core/result.ts';
import type { Role } from '../core/role.ts';
import { lastOwner, unknownUser } from './failures.ts';
import type { PasswordCheck } from './password-check.ts';
import { decidePassword } from './password-policy.ts';
import type { PeoplePorts } from './ports.ts';
import { makeId, makeReadableCode } from './secrets.ts';
import { endSessions } from './sessions.ts';
import type { PeopleTables, User } from './store.ts';
import { parseUserName } from './user-name.ts';

const MAX_USERS = 200;
/** 80 bits, in four groups: read off the console once and changed soon. */
const RESET_CHARACTERS = 16;

/** Who may sign in, and as what. */
export class UserBook {
  readonly #ports: PeoplePorts;
  readonly #passwords: PasswordCheck;

  constructor(ports: PeoplePorts, passwords: PasswordCheck) {
    this.#ports = ports;
    this.#passwords = passwords;
  }

  list(): Result<readonly User[]> {
    return this.#ports.store.read((tables) => tables.users().sort((a, b) => a.createdMs - b.createdMs));
  }

  byId(userId: string): Result<User> {
    const found = this.#ports.store.read((tables) => tables.userById(userId));
    if (!found.ok) return found;
    return found.value ? ok(found.value) : unknownUser();
  }

  /** The user of that name, when there is one; for the audit, which repeats no other. */
  isKnown(userName: string): boolean {
    const found = this.#ports.store.read((tables) => tables.userByName(userName.trim().toLowerCase()));
    return found.ok && found.value !== undefined;
  }

  /** For the audit: the name, or the id when there is none. */
  nameOf(userId: string): string {
    const found = this.byId(userId);
    return found.ok ? found.value.userName : userId;
  }

  async add(userName: string, role: Role, password: string): Promise<Result<User>> {
    const { store, rng, clock, boxName } = this.#ports;
    const name = parseUserName(userName);
    if (!name.ok) return name;
    const hash = await this.#hashOf(password, [name.value, boxName]);
    if (!hash.ok) return hash;
    return store.change((tables) => {
      if (tables.userByName(name.value)) {
        return fail('people.user-exists', `there is a user "${name.value}" already`, { remedy: 'choose another name' });
      }
      if (tables.users().length >= MAX_USERS) {
        return fail('people.too-many', `${MAX_USERS} users are the most`, { remedy: 'remove one that has left' });
      }
      const user: User = {
        userId: makeId(rng, 'u'),
        userName: name.value,
        role,
        passwordHash: hash.value,
        createdMs: clock.nowMs(),
        lastSeenMs: null,
        secondFactor: null,
      };
      tables.putUser(user);
      // The console may make the first owner, too; then nobody else claims the box.
      if (role === 'owner') tables.setClaimCode(undefined);
      return ok(user);
    });
  }

  /**
   * What he may from now on; his sessions end, so that none goes on with other rights than it began with.
   * With `was` only while he is still that: of two who change him at once, the second is told.
   */
  setRole(userId: string, role: Role, was?: Role): Result<User> {
    return this.#ports.store.change((tables) => {
      const user = tables.userById(userId);
      if (!user) return unknownUser();
      if (user.role === role) return ok(user);
      if (was !== undefined && user.role !== was) {
        return fail(
          'people.changed-meanwhile',
          `the role of ${user.userName} is ${user.role} by now, no longer ${was}`,
          {
            remedy: 'somebody else has changed it: look again, then decide',
          },
        );
      }
      if (isLastOwner(tables, user)) return lastOwner();
      const changed = { ...user, role };
      tables.putUser(changed);
      endSessions(tables, userId);
      return ok(changed);
    });
  }

  /** With all sessions, and the tokens that he made. */
  remove(userId: string): Result<User> {
    return this.#ports.store.change((tables) => {
      const user = tables.userById(userId);
      if (!user) return unknownUser();
      if (isLastOwner(tables, user)) return lastOwner();
      tables.removeUser(userId);
      return ok(user);
    });
  }

  /** Sets a new password for who knows the old one, and ends his other sessions. */
  async changePassword(
    user: User,
    { password, newPassword }: { password: string; newPassword: string },
    at: { sessionId: string; source: string },
  ): Promise<Result<void>> {
    const confirmed = await this.#passwords.confirm(user, password, at);
    if (!confirmed.ok) return confirmed;
    if (password === newPassword) {
      return fail('people.weak-password', 'the new password is the old one', { remedy: 'choose another' });
    }
    const hash = await this.#hashOf(newPassword, [user.userName, this.#ports.boxName]);
    if (!hash.ok) return hash;
    return this.#ports.store.change((tables) => {
      const now = tables.userById(user.userId);
      // Changed meanwhile: whoever did that knows more.
      if (!now || now.passwordHash !== user.passwordHash) return unknownUser();
      tables.putUser({ ...now, passwordHash: hash.value });
      endSessions(tables, user.userId, at.sessionId);
      return ok(undefined);
    });
  }

  /** A new password for who lost his, told once; all his sessions end. */
  async resetPassword(userName: string, dropsSecondFactor: boolean): Promise<Result<string>> {
    const password = makeReadableCode(this.#ports.rng, RESET_CHARACTERS).toLowerCase();
    const hash = await this.#ports.hasher.hash(password);
    if (!hash.ok) return hash;
    return this.#ports.store.change((tables) => {
      const user = tables.userByName(userName.trim().toLowerCase());
      if (!user) return unknownUser();
      tables.putUser({
        ...user,
        passwordHash: hash.value,
        secondFactor: dropsSecondFactor ? null : user.secondFactor,
      });
      if (dropsSecondFactor) tables.setRecoveryCodes(user.userId, []);
      endSessions(tables, user.userId);
      return ok(password);
    });
  }

  async #hashOf(password: string, names: readonly string[]): Promise<Result<string>> {
    const allowed = decidePassword(password, names);
    return allowed.ok ? this.#ports.hasher.hash(allowed.value) : allowed;
  }
}

function isLastOwner(tables: PeopleTables, user: User): boolean {
  return user.role === 'owner' && tables.users().filter(({ role }) => role === 'owner').length === 1;
}
