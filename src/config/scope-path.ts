/** The way to a stanza: keywords and names from the outside in. */
import { readInstance } from './instance.js';
import { scopeKinds } from './stanzas.js';
import type { Stanza } from './tree.js';

/** One step: `{ keyword: 'binding', instance: 'acme' }`. */
export interface Step {
  readonly keyword: string;
  readonly instance?: string | undefined;
}

/** From the file itself inwards; empty = global. */
export type ScopePath = readonly Step[];

/** The one spelling of a name within its kind of stanza, so that `:25` and `*:25` are the same socket. */
export function canonicalInstance(keyword: string, instance: string | undefined, parent: string): string {
  if (instance === undefined) return '';
  const kind = Object.hasOwn(scopeKinds, keyword) ? scopeKinds[keyword as keyof typeof scopeKinds] : undefined;
  if (!kind) return instance;
  try {
    return readInstance({ kind: 'double', text: instance }, kind.form, parent).name;
  } catch {
    // What cannot be read is compared as it is written.
    return instance;
  }
}

/** True when the stanza is the one the step names. */
export function isStep(stanza: Stanza, step: Step, parent: string): boolean {
  const keyword = step.keyword.toLowerCase();
  if (stanza.keyword.text.toLowerCase() !== keyword) return false;
  const { instance } = stanza;
  const written = instance?.kind === 'regex' ? `/${instance.text}/` : instance?.text;
  return canonicalInstance(keyword, written, parent) === canonicalInstance(keyword, step.instance, parent);
}
