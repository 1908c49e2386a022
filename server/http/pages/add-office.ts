import * as z from 'zod';
import { askingParts } from '../../../views/live.ts';
import { pathTo } from '../../../views/markup.ts';
import type { Mistakes, Offices } from '../../../views/model.ts';
import { type AddOfficeModel, addOfficePage, sameName } from '../../../views/pages/add-office.ts';
import type { Failure } from '../../core/result.ts';
import { fieldOf } from '../form.ts';
import type { FormFields, Front, PageModule, WebContext } from '../front.ts';
import { askFor, mistakesOf, orElse } from './asking.ts';
import { boxName } from './home.ts';
import { ownAddresses, wordsOf } from './identity.ts';

const Name = z.string().trim().max(64, 'Take at most 64 characters.').optional();
const AddForm = z.object({
  name: Name,
  address: z
    .string('Type where the other box is reached.')
    .trim()
    .min(1, 'Type where the other box is reached, as in 203.0.113.7:9000.')
    .max(300, 'An address is shorter than that.'),
  node_id: z.string().trim().max(128, 'An identity is shorter than that.').optional(),
});
const DecideForm = z.object({ node_id: z.string().min(1).max(128), name: Name, decision: z.literal('accept') });

/** Which field a failure is about. */
const FIELD_OF: Readonly<Record<string, string>> = {
  'ip.host-port': 'address',
  'peer.address': 'address',
  'peer.self': 'node_id',
  'node-id.shape': 'node_id',
  'node-id.checksum': 'node_id',
};

/** Adding the other box by identity and address, and accepting one that asks. */
export const addOfficePages: PageModule = (app, front) => {
  app.get('/offices/add', (c) => show(front, c, {}, {}));
  app.post('/offices/add', (c) => add(front, c));
  front.live<Offices>({
    name: 'asking',
    role: 'viewer',
    poll: (ask) => ask('GetOffices', {}),
    render: (model) => (model.ok ? askingParts(model.value) : {}),
  });
  for (const path of ['/offices/decide', '/offices/forget']) app.get(path, (c) => c.redirect('/offices/add', 303));
  app.post('/offices/decide', (c) => accept(front, c));
  app.post('/offices/forget', async (c) => {
    const form = await front.form(c, z.object({ address: z.string().min(1).max(128) }));
    if (!form.ok) return show(front, c, form.typed, form.mistakes);
    const removed = await front.ask(c, 'RemovePeer', { peer: form.value.address });
    if (!removed.ok) return front.failed(c, removed.error);
    return front.redirectTo(c, '/offices/add', {
      state: 'working',
      title: `${form.value.address} is not called any more`,
    });
  });
};

async function show(front: Front, c: WebContext, typed: FormFields, mistakes: Mistakes): Promise<Response> {
  const ask = askFor(front, c);
  const [{ pending, sought }, addresses] = await Promise.all([
    orElse(ask('GetOffices', {}), { pending: [], sought: [] }),
    ownAddresses(ask),
  ]);
  const text = (name: string): string => fieldOf(typed, name) ?? '';
  const model: Omit<AddOfficeModel, 'words'> = {
    addresses,
    sought,
    pending: pending.map((one) => ({ ...one, words: wordsOf(one.node_id) })),
    typed: { name: text('name'), node_id: text('node_id'), address: text('address') },
    mistakes,
  };
  const status = Object.keys(mistakes).length > 0 ? 422 : 200;
  return front.page(c, (frame) => addOfficePage(frame, { ...model, words: wordsOf(frame.nodeId) }), status);
}

async function add(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, AddForm);
  if (!form.ok) return show(front, c, form.typed, form.mistakes);
  const { name, address, node_id } = form.value;
  const added = await front.ask(c, 'AddPeer', {
    address,
    ...(name ? { name } : {}),
    ...(node_id ? { node_id } : {}),
  });
  if (!added.ok) {
    const mistakes = fieldMistakes(added.error);
    return mistakes ? show(front, c, form.typed, mistakes) : front.failed(c, added.error);
  }
  if (added.value.node_id === null) {
    return front.redirectTo(c, '/offices/add', {
      state: 'busy',
      title: `Calling ${address}`,
      detail: 'The box that answers appears under “Asking to connect”. That takes some seconds.',
    });
  }
  return front.redirectTo(c, pathTo('/offices', added.value.node_id), {
    state: 'working',
    title: 'The office is added',
    detail: [
      'Whether it works stands below. Where it waits, somebody there has to accept this box: under “Asking to connect”.',
      sameName({ boxName: await boxName(askFor(front, c)) }, name ?? ''),
    ]
      .filter(Boolean)
      .join(' '),
  });
}

/** What is wrong with an identity, in the words of the page; the daemon's are for programs too. */
const PLAIN: Readonly<Record<string, Pick<Failure, 'message' | 'remedy'>>> = {
  'node-id.prefix': {
    message: 'Its identity begins with qe1',
    remedy: 'Copy it from the page “Add an office” of the other box.',
  },
  'node-id.checksum': {
    message: 'Its identity is not right: a character is wrong or missing',
    remedy: 'Copy it from the page “Add an office” of the other box.',
  },
  'node-id.length': {
    message: 'Its identity is too short or too long',
    remedy: 'Copy it from the page “Add an office” of the other box.',
  },
  'peer.self': { message: 'That is the identity of this box itself', remedy: 'Type that of the other box.' },
};

/** Which field it is about, and what to say there. */
export function fieldMistakes(said: Failure): Mistakes | undefined {
  const message = said.message.replace(/^(?:address|node_id): /, '');
  const failure = { ...said, message, ...PLAIN[said.code] };
  const known = mistakesOf(failure, FIELD_OF);
  if (known) return known;
  // Whatever else is wrong with what was typed belongs beside where it was typed.
  if (failure.code.startsWith('node-id.')) return mistakesOf(failure, { [failure.code]: 'node_id' });
  if (failure.code.startsWith('ip.') || failure.code.startsWith('peer.'))
    return mistakesOf(failure, { [failure.code]: 'address' });
  return undefined;
}

async function accept(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, DecideForm);
  if (!form.ok) return show(front, c, {}, form.mistakes);
  const { node_id, name } = form.value;
  const accepted = await front.ask(c, 'AcceptPeer', { node_id, ...(name ? { name } : {}) });
  if (!accepted.ok) return front.failed(c, accepted.error);
  return front.redirectTo(c, pathTo('/offices', node_id), {
    state: 'working',
    title: accepted.value.was_accepted ? 'This box was accepted before' : 'The box is accepted',
    detail: 'Whether it works stands below, as soon as an answer came back through the tunnel.',
  });
}
