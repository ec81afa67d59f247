/** Scopes and stanzas of a snapshot seen alike, and the way from words to one of them. */

import { titleCase } from './print-setting.js';
import { quoteAlways } from './quote.js';
import { canonicalInstance } from './scope-path.js';
import type { Block, ScopeNode, Setting } from './settings.js';
import type { Snapshot } from './snapshot.js';

/** A stanza or a scope. */
export interface View {
  readonly keyword: string;
  /** As written; '' where it has no name. */
  readonly name: string;
  readonly settings: ReadonlyMap<string, Setting>;
  readonly scope: ScopeNode | undefined;
  readonly block: Block | undefined;
  inner(): readonly View[];
}

/** The whole configuration. */
export function viewRoot(snapshot: Snapshot): View {
  const { root, cabinets, moduleStanzas, modules } = snapshot.config;
  const view = viewScope(root);
  return { ...view, inner: () => [...viewBlocks(cabinets), ...modules.map(viewBlock), ...viewBlocks(moduleStanzas), ...view.inner()] };
}

/** The stanza that words such as `binding_group tenants binding acme` lead to; undefined when nobody wrote it. */
export function findView(snapshot: Snapshot, words: readonly string[]): View | undefined {
  let view: View | undefined = viewRoot(snapshot);
  for (let i = words[0]?.toLowerCase() === 'global' ? 1 : 0; view && i < words.length; ) {
    const around: View = view;
    const keyword = (words[i] ?? '').toLowerCase();
    const candidates = around.inner().filter((inner) => inner.keyword === keyword);
    const wanted = canonicalInstance(keyword, words[i + 1], around.keyword);
    const named = candidates.find((inner) => inner.name !== '' && (inner.scope?.instance ?? inner.name) === wanted);
    view = named ?? candidates.find((inner) => inner.name === '');
    i += named ? 2 : 1;
  }
  return view;
}

/** `Binding "acme"` */
export const headOf = (view: View): string =>
  view.name === '' ? titleCase(view.keyword) : `${titleCase(view.keyword)} ${quoteAlways(view.name)}`;

function viewScope(scope: ScopeNode): View {
  const children = (): readonly View[] => [...scope.children.values()].flatMap((named) => [...named.values()].map(viewScope));
  const { kind: keyword, written: name, settings } = scope;
  return { keyword, name, settings, scope, block: undefined, inner: () => [...children(), ...viewBlocks(scope.blocks)] };
}

function viewBlock(block: Block): View {
  const name = block.instance === block.kind ? '' : block.instance;
  return { keyword: block.kind, name, settings: block.settings, scope: undefined, block, inner: () => viewBlocks(block.blocks) };
}

const viewBlocks = (blocks: ReadonlyMap<string, ReadonlyMap<string, Block>>): readonly View[] =>
  [...blocks.values()].flatMap((named) => [...named.values()].map(viewBlock));
