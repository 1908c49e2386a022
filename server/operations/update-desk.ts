import type { Clock } from '../core/clock.ts';
import { type Failure, fail, failWith, ok, type Result } from '../core/result.ts';
import type { InstallProgress, StagingFile, SystemPort, UpdateView } from './system-port.ts';

/** What `quicether-system` reads at most: both files at their largest, and the archive around them. */
export const MAX_BUNDLE_BYTES = (120 << 20) + 2 ** 30 + (1 << 20);
/** An upload that is silent for so long may be replaced by another one. */
const SILENT_MS = 30_000;
/** And after so long its file goes. */
const ABANDONED_MS = 15 * 60_000;

interface Upload {
  readonly id: string;
  readonly sizeBytes: number;
  receivedBytes: number;
  touchedMs: number;
  isWriting: boolean;
  forget: () => void;
}

export interface UpdateParts {
  readonly clock: Clock;
  readonly system: SystemPort;
  readonly staging: StagingFile;
  /** An id that nobody guesses. */
  readonly newId: () => string;
}

const NONE: UpdateView = { state: 'none', percent: 0, version: undefined, failure: undefined };

/** Collects one bundle at a time and has it installed. */
export class UpdateDesk {
  readonly #parts: UpdateParts;
  #upload: Upload | undefined;
  #isInstalling = false;
  #view: UpdateView = NONE;

  constructor(parts: UpdateParts) {
    this.#parts = parts;
  }

  /** How far it is. */
  get view(): UpdateView {
    const upload = this.#upload;
    if (!upload || this.#isInstalling) return this.#view;
    const percent = Math.floor((100 * upload.receivedBytes) / upload.sizeBytes);
    return { ...NONE, state: 'receiving', percent };
  }

  /** Makes room for a bundle; the id is needed for everything that follows. */
  async begin(sizeBytes: number): Promise<Result<string>> {
    const { clock, staging, newId } = this.#parts;
    const busy = this.#whyBusy();
    if (busy) return failWith(busy);
    this.#drop();
    const upload: Upload = {
      id: newId(),
      sizeBytes,
      receivedBytes: 0,
      touchedMs: clock.monotonicMs(),
      isWriting: true,
      forget: () => {},
    };
    this.#upload = upload;
    this.#view = NONE;
    const begun = await staging.begin(sizeBytes);
    upload.isWriting = false;
    if (!begun.ok) {
      if (this.#upload === upload) this.#drop();
      return begun;
    }
    this.#touch(upload);
    return ok(upload.id);
  }

  /** Takes the next part; answers how many bytes are there now. */
  async send(id: string, offset: number, bytes: Uint8Array): Promise<Result<number>> {
    const found = this.#find(id);
    if (!found.ok) return found;
    const upload = found.value;
    if (upload.isWriting) return fail('system.busy', 'the part before is still being written: send one at a time');
    if (offset !== upload.receivedBytes) {
      const message = `this part begins at byte ${offset}, but ${upload.receivedBytes} bytes are there`;
      return fail('system.offset', message, { remedy: `go on at byte ${upload.receivedBytes}` });
    }
    if (offset + bytes.length > upload.sizeBytes) {
      return fail('system.too-large', `this part ends behind the ${upload.sizeBytes} bytes that were announced`);
    }
    upload.isWriting = true;
    const written = await this.#parts.staging.append(bytes);
    upload.isWriting = false;
    if (!written.ok) {
      // How much of it is in the file nobody knows now.
      if (this.#upload === upload) this.#drop();
      return written;
    }
    upload.receivedBytes += bytes.length;
    this.#touch(upload);
    return ok(upload.receivedBytes);
  }

  /**
   * Has the whole bundle installed: resolves when it was accepted or refused, and goes on behind that.
   * `ended` is told how it came out, once it was accepted.
   */
  async install(id: string, ended: (result: Result<{ readonly version: string }>) => void): Promise<Result<void>> {
    const found = this.#find(id);
    if (!found.ok) return found;
    const upload = found.value;
    if (upload.receivedBytes < upload.sizeBytes || upload.isWriting) {
      const message = `${upload.receivedBytes} of ${upload.sizeBytes} bytes are there`;
      return fail('system.incomplete', message, { remedy: `send the rest, from byte ${upload.receivedBytes}` });
    }
    upload.forget();
    this.#isInstalling = true;
    this.#view = { ...NONE, state: 'checking' };
    const finished = await this.#parts.staging.finish();
    if (!finished.ok) {
      this.#end(finished);
      return finished;
    }
    return this.#carryOut(ended);
  }

  #carryOut(ended: (result: Result<{ readonly version: string }>) => void): Promise<Result<void>> {
    return new Promise((resolve) => {
      let isAccepted = false;
      const report = ({ step, percent, version }: InstallProgress): void => {
        isAccepted = true;
        this.#view = { state: step, percent, version, failure: undefined };
        resolve(ok(undefined));
      };
      void this.#parts.system.install(report).then((result) => {
        this.#end(result);
        if (isAccepted) ended(result);
        resolve(result.ok ? ok(undefined) : result);
      });
    });
  }

  #end(result: Result<{ readonly version: string } | undefined>): void {
    const version = result.ok ? result.value?.version : this.#view.version;
    this.#view = result.ok
      ? { state: 'ready', percent: 100, version, failure: undefined }
      : { state: 'failed', percent: this.#view.percent, version, failure: result.error };
    this.#isInstalling = false;
    this.#drop();
  }

  #find(id: string): Result<Upload> {
    if (this.#upload?.id === id && !this.#isInstalling) return ok(this.#upload);
    if (this.#isInstalling) return fail('system.busy', 'an update is being installed');
    return fail('system.unknown-upload', 'there is no such upload: it was finished, replaced or given up', {
      remedy: 'begin again with BeginUpdate',
    });
  }

  #whyBusy(): Failure | undefined {
    if (this.#isInstalling) return { code: 'system.busy', message: 'an update is being installed' };
    const upload = this.#upload;
    if (!upload) return undefined;
    const silentMs = this.#parts.clock.monotonicMs() - upload.touchedMs;
    if (silentMs >= SILENT_MS && !upload.isWriting) return undefined;
    const remedy = `wait until it is done, or ${SILENT_MS / 1000} s after its last part`;
    return { code: 'system.busy', message: 'another update is being uploaded', remedy };
  }

  #touch(upload: Upload): void {
    upload.touchedMs = this.#parts.clock.monotonicMs();
    upload.forget();
    upload.forget = this.#parts.clock.setTimer(ABANDONED_MS, () => {
      if (this.#upload === upload && !this.#isInstalling) this.#drop();
    });
  }

  #drop(): void {
    this.#upload?.forget();
    this.#upload = undefined;
    void this.#parts.staging.remove();
  }
}
