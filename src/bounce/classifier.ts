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
  #pack: Pack;
  #rules: Rules;
  readonly #names = new Map(CLASS_NAMES);

  constructor(pack: Pack) {
    this.#pack = pack;
    this.#rules = compile(pack);
  }

  get pack(): Pack {
    return this.#pack;
  }

  /** Puts another pack in force; compiled first, so that one that cannot be leaves the old one standing. */
  adopt(pack: Pack): void {
    const rules = compile(pack);
    this.#pack = pack;
    this.#rules = rules;
  }

  /** Name of a class, also of one that was added. */
  nameOf(bounceClass: number): string | undefined {
    return this.#names.get(bounceClass);
  }

  /** Adds the name of a class; undefined takes it away again. Those of the core stay. */
  nameClass(bounceClass: number, name: string | undefined): void {
    if (CLASS_NAMES.has(bounceClass)) return;
    if (name === undefined) this.#names.delete(bounceClass);
    else this.#names.set(bounceClass, name);
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

interface Rules {
  readonly failures: Ruleset<PackRule>;
  readonly letters: Ruleset<PackRule>;
}

const compile = ({ rules }: Pack): Rules => ({
  failures: new Ruleset(rules.filter((rule) => !LETTER_CLASSES.has(rule.class))),
  letters: new Ruleset(rules.filter((rule) => LETTER_CLASSES.has(rule.class))),
});
