import { type Failure, fail, failWith, ok, type Result } from '../../core/result.ts';
import { tokenCookie } from '../cookies.ts';
import { FORGED, isCsrfToken } from '../csrf.ts';
import type { Front, PageModule, WebContext } from '../front.ts';
import { type FileForm, type ReadPiece, readFileForm } from '../multipart.ts';

/** What the daemon takes at once. */
const PART_BYTES = 384 * 1024;
/** For the next piece to come. */
const STALL_MS = 30_000;
/** For the daemon to write one part down. */
const PART_TIMEOUT_MS = 60_000;
/** For a browser to get rid of what nobody wants any more, so that it reads why. */
const DISCARD_MS = 60_000;

/**
 * `POST /system/update`: passes an update bundle on to the daemon as it comes; never more than one
 * part is held. Leads to `/system?upload=ID`, where it can be installed.
 */
export const uploadPages: PageModule = (app, front) => {
  app.post('/system/update', async (c) => {
    const me = await front.me(c);
    if (!me.ok) return front.failed(c, me.error);
    const read = readPieces(c.req.raw);
    const length = Number(c.req.header('content-length') ?? Number.NaN);
    const form = await readFileForm(c.req.header('content-type') ?? '', length, read);
    if (!form.ok) return front.failed(c, form.error);
    if (!isCsrfToken(form.value.fields['csrf'], tokenCookie(c))) return front.failed(c, FORGED.error);
    const sent = await passOn(c, front, form.value, read);
    if (sent.ok) {
      return front.redirectTo(c, `/system?upload=${encodeURIComponent(sent.value)}`, {
        state: 'working',
        title: 'The update file has arrived',
        detail: 'Nothing is installed yet.',
      });
    }
    await discard(read);
    return front.failed(c, sent.error);
  });
};

/** The id of the upload, once all of it is there. */
async function passOn(c: WebContext, front: Front, form: FileForm, read: ReadPiece): Promise<Result<string>> {
  if (form.sizeBytes === 0) return fail('web.bad-form', 'no file was chosen, or it is empty');
  const begun = await front.ask(c, 'BeginUpdate', { size_bytes: form.sizeBytes });
  if (!begun.ok) return begun;
  const { upload_id } = begun.value;
  let offset = 0;
  let held: Buffer = Buffer.from(form.begun);
  while (offset < form.sizeBytes) {
    const wanted = Math.min(PART_BYTES, form.sizeBytes - offset);
    const filled = await fill(held, wanted, read);
    if (!filled.ok) return filled;
    const part = filled.value.subarray(0, wanted);
    held = filled.value.subarray(wanted);
    const sent = await sendPart(c, front, { upload_id, offset, part });
    if (!sent.ok) return sent;
    offset += wanted;
  }
  const rest = await fill(held, form.end.length, read);
  if (!rest.ok || rest.value.toString('latin1') !== form.end) {
    return fail('web.bad-form', 'the file does not end where the browser said', { remedy: 'send it again' });
  }
  return ok(upload_id);
}

async function sendPart(
  c: WebContext,
  front: Front,
  { upload_id, offset, part }: { upload_id: string; offset: number; part: Buffer },
): Promise<Result<void>> {
  const params = { upload_id, offset, data: part.toString('base64') };
  // On a line of its own: quick questions do not wait behind half a megabyte.
  const options = { waits: true, timeoutMs: PART_TIMEOUT_MS };
  const sent = await front.ask(c, 'SendUpdate', params, options);
  return sent.ok ? ok(undefined) : sent;
}

/** At least `wanted` bytes, what is held already included. */
async function fill(held: Buffer, wanted: number, read: ReadPiece): Promise<Result<Buffer>> {
  const pieces: Uint8Array[] = [held];
  let bytes = held.length;
  while (bytes < wanted) {
    const piece = await read();
    if (!piece.ok) return piece;
    if (!piece.value) return fail('web.bad-form', 'the file broke off on its way', { remedy: 'send it again' });
    pieces.push(piece.value);
    bytes += piece.value.length;
  }
  return ok(pieces.length === 1 ? held : Buffer.concat(pieces));
}

function readPieces(request: Request): ReadPiece {
  const reader = request.body?.getReader();
  const broken: Failure = { code: 'web.bad-form', message: 'the file broke off on its way', remedy: 'send it again' };
  return async () => {
    if (!reader) return ok(undefined);
    let timer: NodeJS.Timeout | undefined;
    const stalled = new Promise<'stalled'>((resolve) => {
      timer = setTimeout(() => resolve('stalled'), STALL_MS);
    });
    try {
      const read = await Promise.race([reader.read(), stalled]);
      if (read === 'stalled') return failWith(broken);
      return ok(read.done ? undefined : read.value);
    } catch {
      return failWith(broken);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** A browser shows an answer only after it has sent everything. */
async function discard(read: ReadPiece): Promise<void> {
  const deadlineMs = performance.now() + DISCARD_MS;
  while (performance.now() < deadlineMs) {
    const piece = await read();
    if (!piece.ok || !piece.value) return;
  }
}
