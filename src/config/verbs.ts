/** `config get|eval|show|showrecurse|locate` as functions of a snapshot: the console and the command line both use them. */

import { openShape } from './manifest.js';
import { didYouMean } from './near.js';
import type { Option } from './option.js';
import { printSetting, titleCase } from './print-setting.js';
import type { Where } from './scope.js';
import { canonicalInstance } from './scope-path.js';
import type { Scope } from './scopes.js';
import type { Setting } from './settings.js';
import type { Snapshot } from './snapshot.js';
import { type CabinetKind, cabinets, scopeKinds } from './stanzas.js';
import { coreOptions } from './values.js';
import { findView, headOf, type View, viewRoot } from './views.js';

/** What a verb says. `ok` is false when there is no answer. */
export interface Answer {
  readonly ok: boolean;
  readonly text: string;
  /** For `get` and `eval`: the value and where it is written (`default`: nowhere). */
  readonly value?: unknown;
  readonly scopeKey?: string;
  readonly file?: string;
  readonly line?: number;
}

/** `config get [scope name …] option`: the value written in exactly that scope. */
export function configGet(snapshot: Snapshot, words: readonly string[]): Answer {
  const name = words.at(-1);
  if (name === undefined) return refuse('Say which option: config get [scope name …] option.');
  const path = words.slice(0, -1);
  const view = findView(snapshot, path);
  const setting = view?.settings.get(name.toLowerCase());
  return setting
    ? tell(setting.node.name.text, setting)
    : refuse(`Option '${name}' is not set in scope '${view?.name || path.join(' ')}'.`);
}

/** `config eval [scope name …] option`: what holds there after fallback, also for scopes nobody wrote. */
export function configEval(snapshot: Snapshot, words: readonly string[]): Answer {
  const name = words.at(-1)?.toLowerCase();
  if (name === undefined) return refuse('Say which option: config eval [scope name …] option.');
  const path = words.slice(0, -1);
  const where = whereOf(snapshot, path);
  if (where === undefined) return evalBlock(snapshot, path, name);
  const { setting, value } = snapshot.find(name, where);
  if (setting) return tell(titleCase(name), setting);
  const option = (Object.hasOwn(coreOptions, name) ? coreOptions[name] : undefined) ?? snapshot.config.scoped.get(name);
  return option ? tellDefault(name, option, value ?? option.default) : refuseOption(name, Object.keys(coreOptions));
}

/** `config show [scope name …]`: what is written there, stanzas within closed. */
export const configShow = (snapshot: Snapshot, words: readonly string[]): Answer => show(snapshot, words, false);

/** `config showrecurse [scope name …]`: the same with everything within. */
export const configShowRecurse = (snapshot: Snapshot, words: readonly string[]): Answer => show(snapshot, words, true);

/** `config locate KEYWORD [name or /regex/]`: where stanzas of a kind stand. */
export function configLocate(snapshot: Snapshot, words: readonly string[]): Answer {
  const [keyword, name] = words;
  if (keyword === undefined) return refuse('Say which stanza: config locate keyword [name or /regex/].');
  const pattern = name === undefined ? undefined : patternFrom(name);
  const lines: string[] = [];
  const visit = (view: View, path: string): void => {
    for (const inner of view.inner()) {
      const here = `${path}${titleCase(inner.keyword)}:${inner.name.replace(/:/g, '\\:')}:`;
      const wanted = name === undefined || inner.name === name || pattern?.test(inner.name) === true;
      if (inner.keyword === keyword.toLowerCase() && wanted) lines.push(headOf(inner), `  is at ${here}`);
      visit(inner, here);
    }
  };
  visit(viewRoot(snapshot), '');
  return lines.length > 0 ? { ok: true, text: lines.join('\n') } : refuse(`There is no ${words.join(' ')}.`);
}

const refuse = (text: string): Answer => ({ ok: false, text });

function refuseOption(name: string, known: readonly string[]): Answer {
  const hint = didYouMean(name, known);
  return refuse(`There is no option '${name}'.${hint === undefined ? '' : ` ${hint}`}`);
}

function tell(name: string, setting: Setting): Answer {
  const { value, scopeKey, file, line, option } = setting;
  return { ok: true, text: `${name} = ${printSetting(setting)}`, value: option.hidden ? option.print(value) : value, scopeKey, file, line };
}

const tellDefault = (name: string, option: Option<unknown>, value: unknown): Answer => ({
  ok: true,
  text: `${titleCase(name)} = ${option.print(value)}`.trimEnd(),
  value,
  scopeKey: 'default',
});

/** The pattern of `locate`; a text that is none is taken literally. */
function patternFrom(text: string): RegExp {
  const inner = text.replace(/^\/(.*)\/$/, '$1');
  try {
    return new RegExp(inner);
  } catch {
    return new RegExp(inner.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  }
}

/** The question that the words of a scope ask; undefined when they name a stanza that is no scope. */
function whereOf(snapshot: Snapshot, words: readonly string[]): Where | undefined {
  const names = new Map<Scope, string>();
  for (let i = words[0]?.toLowerCase() === 'global' ? 1 : 0; i < words.length; i++) {
    const kind = (words[i] ?? '').toLowerCase() as keyof typeof scopeKinds;
    if (!Object.hasOwn(scopeKinds, kind)) return undefined;
    const next = words[i + 1];
    const named =
      scopeKinds[kind].naming === 'always' || (next !== undefined && snapshot.config.root.children.get(kind)?.has(next) === true);
    names.set(kind, named ? (next ?? '') : '');
    if (named) i++;
  }
  const listener = [...names.keys()].find((kind) => kind.endsWith('_listener'));
  if (listener) {
    const name = names.get(listener);
    const listen = names.get('listen');
    return {
      listener: name ? `${listener} ${name}` : listener,
      listen: listen === undefined ? undefined : canonicalInstance('listen', listen, listener),
      peerIp: names.get('peer')?.split('/', 1)[0],
    };
  }
  const pathway = names.get('pathway');
  if (pathway !== undefined) return { pathway, pathwayGroup: names.get('pathway_group') };
  const where = { group: names.get('binding_group'), binding: names.get('binding'), domain: names.get('domain') };
  const host = names.get('host');
  return host === undefined ? where : { ...where, host };
}

/** A stanza that is no scope: what is written, what the stanza around says, what the declaration says. */
function evalBlock(snapshot: Snapshot, path: readonly string[], name: string): Answer {
  const block = findView(snapshot, path)?.block;
  const keyword = (path[0] ?? '').toLowerCase();
  const cabinet: CabinetKind | undefined =
    path.length === 1 && Object.hasOwn(cabinets, keyword) ? cabinets[keyword as keyof typeof cabinets] : undefined;
  const declared = block?.declared ?? (cabinet && openShape(cabinet.shape).options);
  if (!declared) return refuse(`There is no scope '${path.join(' ')}'.`);
  const setting = block?.settings.get(name);
  if (setting) return tell(titleCase(name), setting);
  const option = Object.hasOwn(declared, name) ? declared[name] : undefined;
  return option ? tellDefault(name, option, block ? block.options[name] : option.default) : refuseOption(name, Object.keys(declared));
}

function show(snapshot: Snapshot, words: readonly string[], deep: boolean): Answer {
  const view = findView(snapshot, words);
  if (!view) return refuse(`There is no scope '${words.join(' ')}'.`);
  if (view.scope?.kind === 'global') return { ok: true, text: showInside(view, deep, '').join('\n') };
  return { ok: true, text: [`${headOf(view)} {`, ...showInside(view, deep, '  '), '}'].join('\n') };
}

function showInside(view: View, deep: boolean, indent: string): readonly string[] {
  const lines = [...view.settings.values()].map((setting) => `${indent}${setting.node.name.text} = ${printSetting(setting)}`);
  for (const inner of view.inner()) {
    if (!deep) lines.push(`${indent}${headOf(inner)} { ... }`);
    else lines.push(`${indent}${headOf(inner)} {`, ...showInside(inner, deep, `${indent}  `), `${indent}}`);
  }
  return lines;
}
