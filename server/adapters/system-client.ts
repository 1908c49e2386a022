import { connect } from 'node:net';
import { LineSplitter } from '../core/line-splitter.ts';
import { fail, failWith, ok, type Result } from '../core/result.ts';
import type { InstallProgress, SystemPort, SystemSlot, SystemState } from '../operations/system-port.ts';

/** Longer than any command that it runs. */
const ANSWER_MS = 30_000;
/** Between two words of an update: a slow disk may take its time to sync. */
const SILENCE_MS = 300_000;
const MAX_LINE_BYTES = 64 << 10;
const STATES: readonly string[] = ['running', 'idle', 'trial', 'failed'];
const STEPS: readonly string[] = ['checking', 'writing', 'ready'];

interface Call {
  readonly call: 'state' | 'update' | 'reboot' | 'reset' | 'ssh';
  readonly params?: object;
  /** Longest time between two lines of the answer. */
  readonly silenceMs?: number;
  readonly report?: (progress: InstallProgress) => void;
}

type Fields = Readonly<Record<string, unknown>>;

/** `quicether-system` at its socket; each call is a conversation of its own, because it ends when it is idle. */
export function openSystemClient(path: string): SystemPort {
  const ask = (call: Call): Promise<Result<Fields>> => converse(path, call);
  const done = async (call: Call): Promise<Result<void>> => {
    const answer = await ask(call);
    return answer.ok ? ok(undefined) : answer;
  };
  return {
    async state() {
      const answer = await ask({ call: 'state' });
      return answer.ok ? decodeState(answer.value) : answer;
    },
    async install(report) {
      const answer = await ask({ call: 'update', silenceMs: SILENCE_MS, report });
      if (!answer.ok) return answer;
      const { version } = answer.value;
      return typeof version === 'string' ? ok({ version }) : unreadable();
    },
    reboot: () => done({ call: 'reboot' }),
    reset: (code) => done({ call: 'reset', params: code === undefined ? {} : { code } }),
    setSsh: (on, keys) => done({ call: 'ssh', params: { on, ...(keys ? { authorized_keys: keys } : {}) } }),
  };
}

function converse(path: string, { call, params, silenceMs = ANSWER_MS, report }: Call): Promise<Result<Fields>> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const lines = new LineSplitter(MAX_LINE_BYTES);
    const end = (result: Result<Fields>): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(silenceMs, () => end(fail('system.timeout', `quicether-system did not answer ${call} in time`)));
    socket.once('error', ({ message }) => end(unreachable(path, message)));
    socket.once('close', () => end(unreachable(path, 'it ended the conversation')));
    socket.once('connect', () => socket.write(`${JSON.stringify({ id: 1, call, params: params ?? {} })}\n`));
    socket.on('data', (chunk: Buffer) => {
      const taken = lines.push(chunk);
      if (taken === 'too-long') return end(unreadable());
      for (const line of taken) {
        const message = decodeMessage(line);
        if (message === undefined) return end(unreadable());
        if ('ok' in message) return end(message);
        report?.(message);
      }
    });
  });
}

/** One line: how far it is, or how it came out; undefined when it is neither. */
function decodeMessage(line: Uint8Array): InstallProgress | Result<Fields> | undefined {
  let message: Fields | null;
  try {
    message = JSON.parse(Buffer.from(line).toString()) as Fields | null;
  } catch {
    return undefined;
  }
  const { type, answer, code, message: sentence, remedy, step, percent, version } = message ?? {};
  if (type === 'answer' && typeof answer === 'object' && answer !== null) return ok(answer as Fields);
  if (type === 'failure' && typeof code === 'string' && typeof sentence === 'string') {
    return failWith({ code, message: sentence, ...(typeof remedy === 'string' ? { remedy } : {}) });
  }
  if (type !== 'progress' || typeof step !== 'string' || !STEPS.includes(step)) return undefined;
  if (typeof percent !== 'number' || typeof version !== 'string') return undefined;
  return { step: step as InstallProgress['step'], percent, version };
}

function decodeState({ version, slots, ssh, updating }: Fields): Result<SystemState> {
  if (typeof version !== 'string' || typeof ssh !== 'boolean' || !Array.isArray(slots)) return unreadable();
  const decoded = slots.map((entry: unknown) => decodeSlot(entry as Fields | null));
  const known = decoded.filter((slot) => slot !== undefined);
  return known.length === decoded.length
    ? ok({ version, slots: known, isSshOn: ssh, isUpdating: updating === true })
    : unreadable();
}

function decodeSlot(entry: Fields | null): SystemSlot | undefined {
  const { slot, version, state } = entry ?? {};
  if ((slot !== 'a' && slot !== 'b') || typeof state !== 'string' || !STATES.includes(state)) return undefined;
  return { slot, version: typeof version === 'string' ? version : undefined, state: state as SystemSlot['state'] };
}

function unreadable(): Result<never> {
  return fail('system.protocol', 'quicether-system said something that this daemon does not understand', {
    remedy: 'both have to be of one release: restart the box',
  });
}

function unreachable(path: string, why: string): Result<never> {
  return fail('system.not-reachable', `quicether-system does not answer on ${path}: ${why}`, {
    remedy: 'restart the box; the journal says why it does not start',
  });
}
