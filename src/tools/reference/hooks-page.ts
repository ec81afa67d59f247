/** The page of all hooks, from the catalogue. Pure. */
import type { Hook, Kind } from '../../module/hook.js';
import { hooks } from '../../module/hooks.js';
import { code, formatMarkdownTable, formatPage } from './markdown.js';

const KINDS: Readonly<Record<Kind, string>> = {
  ask: 'A gate. The first verdict that ends wins; `quarantine` marks and goes on. A handler that throws, is late or answers nonsense counts as its `on_error`, which is a temporary refusal unless the stanza says otherwise.',
  first: 'A choice. The first value that is not undefined wins; a handler that fails is skipped.',
  fold: 'A value that is passed along; each handler may replace it, and one that fails leaves it as it was.',
  tell: 'News. Everybody is told, nobody can answer, and a handler must not be async.',
};

/** Markdown of docs/reference/hooks.md. */
export function renderHooks(): string {
  const rows = Object.values<Hook>(hooks).map(({ name, kind, arity, doc, callout }) => [
    code(name),
    kind,
    String(arity),
    doc,
    callout ? code(`${callout.name}(${callout.args.join(', ')})`) : '',
  ]);
  return formatPage(
    'Hooks',
    'What modules can be asked and told, in the order in which a message meets them. A module registers with `ctx.on(name, handler)`; the handlers of a hook run in the order classes first, early, normal, late, last, and within a class in the order of the stanzas in the file. The types of the arguments stand in `src/module/hooks.ts`.',
    '## Kinds',
    formatMarkdownTable(
      ['kind', 'meaning'],
      Object.entries(KINDS).map(([kind, meaning]) => [kind, meaning]),
    ),
    `## The ${rows.length} hooks`,
    formatMarkdownTable(['hook', 'kind', 'arguments', 'when', 'Momentum callout'], rows),
  );
}
