/** Gives each reply its bounce class: by the rules of the pack in force, then by its status code; what neither knows is noted. */
import { parseOneLine } from '../mail/reply.js';
import { CLASS, CLASS_NAMES, classifyReply, classifyStatus, LETTER_CLASSES } from './classify.js';
import type { Pack, PackRule } from './pack.js';
import { Ruleset } from './ruleset.js';
import { Unknowns } from './unknown.js';

/** A class and what made it. */
export interface Classification {
  readonly class: number;
  /** The phrase of the rule, or the name of what decided in its stead. */
  readonly rule: string;
}

/** A code inside a text: "host x said: 554 …". */
const CODE_INSIDE = /(?:^|[\s:(<'])([45]\d\d)[ -]/;
const STATUS_INSIDE = /(?:^|[\s:(<'#-])([45]\.\d{1,3}\.\d{1,3})(?!\d)/;

/** Far enough into a text to find its codes. */
const HEAD = 1000;

/** Code of a reply, also of one that is quoted inside a text; 0 when there is none. */
export function findCode(text: string): number {
  const reply = parseOneLine(text);
  return reply ? reply.code : Number(CODE_INSIDE.exec(text.slice(0, HEAD))?.[1] ?? 0);
}

export class Classifier {
  readonly unknowns = new Unknowns();
  /** Packs in force and behind it; the last one counts. */
  readonly #packs: Compiled[];
  readonly #added: { readonly bounceClass: number; readonly name: string }[] = [];

  constructor(pack: Pack) {
    this.#packs = [compile(pack)];
  }

  get pack(): Pack {
    return this.#rules.pack;
  }

  get #rules(): Compiled {
    // The first one is never taken away.
    return this.#packs[this.#packs.length - 1] as Compiled;
  }

  /** Puts another pack in force, until it is taken back; then the one before it counts again. Compiled first: nothing is half in force. */
  adopt(pack: Pack): () => void {
    const rules = compile(pack);
    this.#packs.push(rules);
    return () => remove(this.#packs, rules);
  }

  /** Name of a class, also of one that was added. */
  nameOf(bounceClass: number): string | undefined {
    return CLASS_NAMES.get(bounceClass) ?? this.#added.findLast((added) => added.bounceClass === bounceClass)?.name;
  }

  /** Adds the name of a class, until it is taken back. Those of the core stay. */
  nameClass(bounceClass: number, name: string): () => void {
    const added = { bounceClass, name };
    this.#added.push(added);
    return () => remove(this.#added, added);
  }

  /** Class of a letter that is no notice: an automatic answer, a wish to (un)subscribe, a challenge; undefined when it is none of these. */
  classifyLetter(text: string): Classification | undefined {
    const found = this.#rules.letters.find(text, 0);
    return found && { class: found.rule.class, rule: found.phrase };
  }

  /** Class of a reply or of the text of a notice; 0 for a positive reply. */
  classify(text: string): number {
    const found = this.explain(text);
    if (found.class === CLASS.undetermined) this.unknowns.note(text);
    return found.class;
  }

  /** The class with what made it. Counts nothing. */
  explain(text: string): Classification {
    const code = findCode(text);
    if (code > 0 && code < 400) return { class: 0, rule: 'positive reply' };
    const found = this.#rules.failures.find(text, code);
    if (found) return { class: found.rule.class, rule: found.phrase };
    const byCodes = classifyReply(text);
    if (byCodes !== CLASS.undetermined) return { class: byCodes, rule: 'status code' };
    const status = STATUS_INSIDE.exec(text.slice(0, HEAD))?.[1];
    const inside = status === undefined ? undefined : classifyStatus(status);
    if (inside !== undefined) return { class: inside, rule: 'status code' };
    if (code >= 400 && code < 500) return { class: CLASS.transient, rule: 'reply code' };
    return (code === 0 ? this.classifyLetter(text) : undefined) ?? { class: CLASS.undetermined, rule: '' };
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

interface Compiled {
  readonly pack: Pack;
  readonly failures: Ruleset<PackRule>;
  readonly letters: Ruleset<PackRule>;
}

const compile = (pack: Pack): Compiled => ({
  pack,
  failures: new Ruleset(pack.rules.filter((rule) => !LETTER_CLASSES.has(rule.class))),
  letters: new Ruleset(pack.rules.filter((rule) => LETTER_CLASSES.has(rule.class))),
});
