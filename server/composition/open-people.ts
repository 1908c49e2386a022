import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, openDatabase } from '../adapters/database.ts';
import { systemDigest } from '../adapters/digest.ts';
import type { Log } from '../adapters/log.ts';
import { createPasswordHasher } from '../adapters/password.ts';
import { openPeopleStore } from '../adapters/people-store.ts';
import { replaceStateFile } from '../adapters/state-file.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { systemRng } from '../adapters/system-rng.ts';
import type { Result } from '../core/result.ts';
import { createPeople, type People } from '../people/people.ts';
import { closedStore } from '../people/store.ts';

const DATABASE = 'box.db';
/** The copy that a damaged database is replaced by. */
const BACKUP_EVERY_MS = 24 * 60 * 60_000;
/** Not while everything else starts. */
const FIRST_BACKUP_MS = 60_000;
const CLAIM_CHECK_MS = 2_000;

interface Undo {
  add(step: () => void): void;
}

/** The daemon's database. One that cannot be used is only logged: the tunnel goes on, people wait. */
export function openBoxDatabase(stateDir: string, log: Log, undo: Undo): Result<Database> {
  const path = join(stateDir, DATABASE);
  const opened = openDatabase(path);
  if (!opened.ok) {
    log.error(opened.error, 'the database cannot be used: nobody can sign in; the tunnel goes on');
    return opened;
  }
  const database = opened.value;
  const backUp = (): void => {
    database.backup(`${path}.bak`).then(
      (made) => made.ok || log.warn(made.error, 'no copy of the database was made'),
      (bug: unknown) => log.error({ err: bug }, 'no copy of the database was made: this is a bug'),
    );
    cancel = systemClock.setTimer(BACKUP_EVERY_MS, backUp);
  };
  let cancel = systemClock.setTimer(FIRST_BACKUP_MS, backUp);
  undo.add(() => {
    cancel();
    database.close();
  });
  return opened;
}

export interface PeopleOptions {
  readonly database: Result<Database>;
  readonly boxName: string;
  readonly requiresSecondFactor: boolean;
  /** `QUICETHER_CLAIM_FILE`: holds the claim code until the box is claimed. */
  readonly claimFile: string | undefined;
  readonly log: Log;
  readonly undo: Undo;
}

/** People in the database, and the claim code of a box that has none. */
export function openPeople(options: PeopleOptions): People {
  const { database, boxName, requiresSecondFactor, log } = options;
  const people = createPeople({
    store: database.ok ? openPeopleStore(database.value) : closedStore(database),
    hasher: createPasswordHasher(),
    digest: systemDigest,
    clock: systemClock,
    rng: systemRng,
    boxName,
    requiresSecondFactor,
  });
  const code = people.signIn.claimCode();
  if (!code.ok) return people;
  if (code.value !== null)
    log.info({}, 'this box has no owner yet: quicether user claim-code prints the code to claim it');
  if (options.claimFile) keepClaimFile(people, options.claimFile, options);
  return people;
}

/** The file holds the code while it is worth something, and no moment longer than it takes to notice. */
function keepClaimFile(people: People, path: string, { log, undo }: PeopleOptions): void {
  let written: string | null = null;
  const follow = (): void => {
    const code = people.signIn.claimCode();
    if (code.ok && code.value !== null && code.value !== written) {
      written = code.value;
      const put = replaceStateFile(path, `${code.value}\n`);
      if (!put.ok) log.warn(put.error, 'the claim file cannot be written');
    }
    if (code.ok && code.value === null) {
      rmSync(path, { force: true });
      return;
    }
    cancel = systemClock.setTimer(CLAIM_CHECK_MS, follow);
  };
  let cancel = (): void => {};
  undo.add(() => cancel());
  follow();
}
