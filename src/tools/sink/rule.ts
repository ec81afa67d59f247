/** The sink's scripted answers: what a rule says, and which rule answers a given moment of a session. */

/** Moments of a session at which the sink can be told what to say. `ehlo` stands for HELO and LHLO too. */
export const PHASES = ['connect', 'ehlo', 'mail', 'rcpt', 'data'] as const;
export type Phase = (typeof PHASES)[number];

/** One scripted answer. */
export interface Rule {
  readonly phase: Phase;
  /** Applies when this matches the phase's subject: peer address, EHLO name, sender, recipient; for `data` any recipient. */
  readonly match?: RegExp;
  /** What the sink says; undefined says what it would have said anyway (for rules that only wait or close). */
  readonly reply?: Reply;
  /** How many times the rule answers before it is used up; without it, always. */
  readonly times?: number;
  /** Wait before the answer, in seconds. */
  readonly delaySeconds?: number;
  /** `close` ends the connection after the answer, `drop` ends it in place of the answer, `hang` never answers. */
  readonly end?: 'close' | 'drop' | 'hang';
}

/** An SMTP reply: its code and everything behind it. */
export interface Reply {
  readonly code: number;
  readonly text: string;
}

const WORDS: Readonly<Record<string, string>> = {
  2: '2.0.0 ok',
  4: '4.3.0 scripted to fail for now',
  5: '5.0.0 scripted to fail for good',
};

/** Reads `451 4.2.0 try later`, or `451` alone, which gets words of its own. Throws an Error that says what is wrong. */
export function parseReply(text: string): Reply {
  const found = /^([245]\d\d)(?:[ -](.*))?$/s.exec(text.trim());
  if (!found) throw new Error(`"${text}" is no SMTP reply: a code 2xx, 4xx or 5xx and a text were expected`);
  const [, code = '', words = ''] = found;
  if (/[^\x20-\x7e\t]/.test(words)) throw new Error(`"${text}": a reply is one line of printable ASCII`);
  return { code: Number(code), text: words === '' ? (WORDS[code[0] ?? ''] ?? '') : words };
}

/** Reads a command line's `[PHASE[*TIMES]=]REPLY`; without a phase the answer is for the message. Throws an Error that says what is wrong. */
export function parseSaying(text: string): Rule {
  const found = /^([a-z]+)(?:\*(\d{1,9}))?=(.*)$/s.exec(text);
  if (!found) return { phase: 'data', reply: parseReply(text) };
  const [, phase = '', times, reply = ''] = found;
  if (!isPhase(phase)) throw new Error(`"${phase}" is no phase: ${PHASES.join(', ')} were expected`);
  return { phase, reply: parseReply(reply), ...(times !== undefined && { times: Number(times) }) };
}

/** Says whether a word names a phase. */
export function isPhase(word: unknown): word is Phase {
  return PHASES.some((phase) => phase === word);
}

/** The rules of a running sink with what is left of their times; the first that applies answers. */
export class Script {
  readonly #lines: { readonly rule: Rule; left: number }[];

  constructor(rules: readonly Rule[] = []) {
    this.#lines = rules.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }));
  }

  /** The rule for a moment, one of its times taken; undefined when the sink answers as usual. */
  take(phase: Phase, subjects: readonly string[]): Rule | undefined {
    for (const line of this.#lines) {
      const { rule } = line;
      if (line.left <= 0 || rule.phase !== phase) continue;
      const { match } = rule;
      if (match && !subjects.some((subject) => match.test(subject))) continue;
      line.left -= 1;
      return rule;
    }
    return undefined;
  }

  /** Adds rules behind the present ones. */
  add(...rules: readonly Rule[]): void {
    for (const rule of rules) this.#lines.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY });
  }

  /** Forgets every rule: from now on the sink accepts. */
  clear(): void {
    this.#lines.length = 0;
  }
}
