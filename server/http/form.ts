import type * as z from 'zod';
import { fail, ok, type Result } from '../core/result.ts';
import type { Form, FormFields, WebContext } from './front.ts';

/** Largest form; no page of ours has one that is a tenth of it. */
export const MOST_FORM_BYTES = 16 * 1024;
/** For all of it to arrive. */
const FORM_MS = 10_000;
const MOST_FIELDS = 100;

/** Reads a body of at most `mostBytes`; nothing more is kept of one that is longer or does not come. */
export async function readBody(request: Request, mostBytes: number, timeoutMs = FORM_MS): Promise<Result<Uint8Array>> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > mostBytes) return tooLarge(mostBytes);
  if (!request.body) return ok(new Uint8Array());
  const reader = request.body.getReader();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeoutMs);
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const read = await Promise.race([reader.read(), late]);
      if (read === 'late') return fail('web.bad-form', 'the form did not arrive in time', { remedy: 'send it again' });
      if (read.done) return ok(Buffer.concat(chunks));
      bytes += read.value.byteLength;
      if (bytes > mostBytes) return tooLarge(mostBytes);
      chunks.push(read.value);
    }
  } catch {
    return fail('web.bad-form', 'the form broke off on its way', { remedy: 'send it again' });
  } finally {
    clearTimeout(timer);
    void reader.cancel().catch(() => undefined);
  }
}

function tooLarge(mostBytes: number): Result<never> {
  return fail('web.too-large', `a form may have ${mostBytes / 1024} kB`);
}

/** The fields of a request's form. */
export async function readForm(c: WebContext): Promise<Result<FormFields>> {
  const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') {
    return fail('web.bad-form', 'what was sent is not a form of this box');
  }
  const body = await readBody(c.req.raw, MOST_FORM_BYTES);
  return body.ok ? decodeForm(body.value) : body;
}

function decodeForm(body: Uint8Array): Result<FormFields> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return fail('web.bad-form', 'the form is not UTF-8');
  }
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > MOST_FIELDS) return fail('web.bad-form', `a form has at most ${MOST_FIELDS} fields`);
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else fields[name] = [...(Array.isArray(before) ? before : [before]), value];
  }
  return ok(fields);
}

/** One value of a form, the first when it came several times. */
export function fieldOf(fields: FormFields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** Secrets are never shown again. */
const NEVER_SHOWN = /password|code|csrf|ticket|secret/;

/** Checks the fields against `schema`; one sentence for each field that is wrong. */
export function checkForm<S extends z.ZodType>(fields: FormFields, schema: S): Form<z.output<S>> {
  const typed = Object.fromEntries(Object.entries(fields).filter(([name]) => !NEVER_SHOWN.test(name)));
  const { csrf: _, ...rest } = fields;
  const checked = schema.safeParse(rest);
  if (checked.success) return { ok: true, value: checked.data, typed };
  const mistakes: Record<string, string> = {};
  for (const issue of checked.error.issues) mistakes[String(issue.path[0] ?? 'form')] ??= issue.message;
  return { ok: false, mistakes, typed };
}
