/** Gathers the problems of decoding, and reads single settings into it. */
import { type Option, OptionError } from './option.js';
import { type ConfigProblem, type ProblemName, problemAt } from './problem.js';
import { rawOf, tokenWithin } from './raw.js';
import type { Setting } from './settings.js';
import type { Assign, Token } from './tree.js';
import { judgeUnread } from './unread.js';

/** What is wrong, without its place. */
export interface Complaint {
  readonly name: ProblemName;
  readonly say: string;
  readonly hint?: string | undefined;
  readonly severity?: 'error' | 'notice';
}

export class Complaints {
  readonly problems: ConfigProblem[] = [];

  /** Notes a problem at a token. */
  add(at: Token, { name, say, ...more }: Complaint): void {
    this.problems.push(problemAt(name, at.at, say, { ...more, width: at.raw.split(/[\r\n]/, 1)[0]?.length ?? 1 }));
  }

  /** Runs `read`; an OptionError becomes a problem at the token `where` gives for its path. */
  attempt<T>(read: () => T, otherwise: ProblemName, where: (path: readonly (string | number)[]) => Token, about = ''): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof OptionError)) throw error;
      this.add(where(error.path), { name: error.regex ? 'BAD_REGEX' : otherwise, say: about + error.message, hint: error.hint });
      return undefined;
    }
  }

  /** Reads one assignment; undefined (and a problem) when the value does not fit. `unread`: nothing acts on this option. */
  readSetting(assign: Assign, name: string, option: Option<unknown>, scopeKey: string, unread: boolean): Setting | undefined {
    const read = this.attempt(
      () => ({ value: option.parse(rawOf(assign.value)) }),
      'BAD_VALUE',
      (path) => tokenWithin(assign.value, path),
      `${assign.name.text}: `,
    );
    if (!read) return undefined;
    if (unread) this.add(assign.name, judgeUnread(name, option, read.value));
    const { source, line, column } = assign.name.at;
    return Object.freeze({ name, option, value: read.value, scopeKey, file: source.path, line, column, node: assign });
  }
}
