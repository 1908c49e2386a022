import { fail, ok, type Result } from '../core/result.ts';

/** What stands before the file: fields and headers of parts. */
const MOST_HEAD_BYTES = 8 * 1024;
const MOST_PARTS = 10;

/** A form with one file, as far as it was read: its fields, and the first bytes of the file. */
export interface FileForm {
  readonly fields: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
  /** What was read of the file, and what follows it, so far. */
  readonly begun: Uint8Array;
  /** What has to follow the file, and nothing after it. */
  readonly end: string;
}

/** Reads the next piece of a body; undefined at its end. */
export type ReadPiece = () => Promise<Result<Uint8Array | undefined>>;

/**
 * Reads a form (`multipart/form-data`) up to the first byte of its file, which has to come last.
 *
 * The size of the file follows from the length of the whole, so nothing is searched in the file and
 * none of it is kept. Its name is not even looked at: nothing is ever called by it.
 */
export async function readFileForm(
  contentType: string,
  contentLength: number,
  read: ReadPiece,
): Promise<Result<FileForm>> {
  const boundary = /^multipart\/form-data\s*;\s*boundary="?([0-9A-Za-z'()+_,\-./:=?]{1,70})"?\s*$/i.exec(
    contentType,
  )?.[1];
  if (boundary === undefined) return fail('web.bad-form', 'what was sent is no form with a file');
  if (!Number.isSafeInteger(contentLength) || contentLength <= 0) {
    return fail('web.bad-form', 'the browser did not say how much it sends');
  }
  let head = Buffer.alloc(0);
  for (;;) {
    const parsed = parseHead(head.toString('latin1'), boundary);
    if (!parsed.ok) return parsed;
    if (parsed.value) {
      const { fields, fileAt } = parsed.value;
      const end = `\r\n--${boundary}--\r\n`;
      const sizeBytes = contentLength - fileAt - end.length;
      if (sizeBytes < 0) return fail('web.bad-form', 'the form ends before its file');
      return ok({ fields, sizeBytes, begun: head.subarray(fileAt), end });
    }
    if (head.length > MOST_HEAD_BYTES) return fail('web.bad-form', 'no file comes in this form');
    const piece = await read();
    if (!piece.ok) return piece;
    if (!piece.value) return fail('web.bad-form', 'the form ends before its file');
    head = Buffer.concat([head, piece.value]);
  }
}

interface Head {
  readonly fields: Readonly<Record<string, string>>;
  readonly fileAt: number;
}

/** Fields up to the file; undefined while more has to come. */
function parseHead(head: string, boundary: string): Result<Head | undefined> {
  const mark = `--${boundary}`;
  const fields: Record<string, string> = {};
  let at = 0;
  for (let part = 0; part < MOST_PARTS; part++) {
    const start = mark.length + 2;
    if (head.length < at + start) return ok(undefined);
    if (!head.startsWith(`${mark}\r\n`, at)) return fail('web.bad-form', 'the form has no file, or is not one');
    const bodyAt = head.indexOf('\r\n\r\n', at + start - 2);
    if (bodyAt < 0) return ok(undefined);
    const disposition = /^content-disposition:\s*form-data;(.*)$/im.exec(head.slice(at + start, bodyAt))?.[1] ?? '';
    const name = /(?:^|;)\s*name="([^"]*)"/.exec(disposition)?.[1];
    if (name === undefined) return fail('web.bad-form', 'a part of the form has no name');
    if (/(?:^|;)\s*filename\*?=/.test(disposition)) return ok({ fields, fileAt: bodyAt + 4 });
    const next = head.indexOf(`\r\n${mark}`, bodyAt + 2);
    if (next < 0) return ok(undefined);
    fields[name] ??= Buffer.from(head.slice(bodyAt + 4, next), 'latin1').toString('utf8');
    at = next + 2;
  }
  return fail('web.bad-form', `a form with a file has at most ${MOST_PARTS} parts`);
}
