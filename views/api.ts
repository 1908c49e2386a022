import { gate } from './gate.ts';
import { html, type Markup, type Part } from './markup.ts';
import type { Page } from './model.ts';
import { ledger, sheet, title } from './parts/sheet.ts';

/** A field of a request. */
export interface ApiField {
  readonly name: string;
  readonly place: 'path' | 'query' | 'body';
  /** `integer 1..200` */
  readonly kind: string;
  readonly isNeeded: boolean;
  readonly note: string;
}

export interface ApiRoute {
  readonly verb: string;
  readonly path: string;
  readonly anchor: string;
  readonly summary: string;
  /** Who may. */
  readonly who: string;
  readonly fields: readonly ApiField[];
  readonly answers: readonly { readonly name: string; readonly kind: string }[];
  readonly notes: readonly string[];
}

/** All that REST can be asked. */
export interface ApiReference {
  readonly base: string;
  readonly groups: readonly { readonly name: string; readonly routes: readonly ApiRoute[] }[];
}

/** The reference of REST: whole without script, without anything from elsewhere. */
export function apiReference(page: Page, { base, groups }: ApiReference): Markup {
  return gate(page, {
    title: 'REST reference',
    small: 'REST reference',
    body: html`${title(
      'REST',
      html`<p>Everything that can be done with this box, below <code>${base}</code>. The same as a file for programs:
<a href="${base}/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>`,
    )}
${sheet('start', 'How to ask', html`<p>What holds for every request.</p>`, introduction(base))}
${groups.map(({ name, routes }) =>
  sheet(
    name,
    name,
    html`<p>${routes.length === 1 ? '1 request' : `${routes.length} requests`}</p>`,
    html`${routes.map((route) => viewRoute(base, route))}`,
  ),
)}`,
  });
}

function introduction(base: string): Markup {
  return html`<ul class="stack">
<li>A program shows a token: <code>Authorization: Bearer TOKEN</code>. Tokens are made on the page People, or with
<code>POST ${base}/tokens</code> by a person who has signed in and has just given the password.</li>
<li>Bodies are JSON. A field that is not known is refused by name.</li>
<li>What went wrong comes as <code>application/problem+json</code>: <code>code</code> for programs,
<code>detail</code> and <code>remedy</code> for people, <code>where</code> names the field.</li>
<li>Each GET has an ETag. A PUT of something that can be read says with <code>If-Match</code> which state it changes.</li>
<li>A POST under an <code>Idempotency-Key</code> is done once, however often it is sent within a day.</li>
<li>Long lists come in pages: follow <code>Link: rel="next"</code>.</li>
<li><code>GET ${base}/events</code> tells what happens as it happens (server-sent events).</li>
</ul>`;
}

function viewRoute(base: string, route: ApiRoute): Markup {
  return html`<details id="${route.anchor}"><summary><code>${route.verb} ${base}${route.path}</code></summary>
<div class="stack"><p>${withCode(route.summary)} ${route.who} ${route.notes.map((note) => `${note} `)}</p>
${route.fields.length > 0 && fieldTable(route)}
${route.answers.length > 0 && answerList(route.answers)}</div>
</details>
`;
}

function fieldTable({ verb, path, fields }: ApiRoute): Markup {
  return ledger(
    `Fields of ${verb} ${path}`,
    [{ name: 'Field' }, { name: 'In' }, { name: 'What' }],
    fields.map(
      (field) => html`<tr><th scope="row"><code>${field.name}</code></th><td>${field.place}</td>
<td>${field.kind}${!field.isNeeded && ', may be left out'}${field.note !== '' && `: ${field.note}`}</td></tr>
`,
    ),
  );
}

function answerList(answers: ApiRoute['answers']): Markup {
  return html`<p>Answers: ${answers.map(({ name, kind }, at) => html`${at > 0 && ', '}<code>${name}</code> ${kind}`)}.</p>`;
}

/** What stands in backticks is code. */
function withCode(text: string): Part {
  return text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part));
}
