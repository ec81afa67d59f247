/** What is wrong with a configuration, as a value: every mistake of all files is collected and reported at once. */
import type { Spot } from './source.js';

/** Every code a configuration problem can have, with a sentence for the reference. */
export const problemKinds = {
  SYNTAX: 'The text does not follow the grammar at this place.',
  UNCLOSED_QUOTE: 'A quotation mark opens a value and nothing closes it.',
  UNCLOSED_COMMENT: 'A comment that begins with a slash and a star never ends.',
  UNCLOSED_BRACE: 'A stanza, list or dictionary is opened and never closed.',
  STRAY_BRACE: 'A closing bracket stands where nothing is open.',
  BAD_CHARACTER: 'A control character that no configuration can hold.',
  TOO_DEEP: 'Stanzas or dictionaries are nested deeper than 64.',
  INCLUDE_MISSING: 'An included file is not there: the sentence names the places that were looked at.',
  INCLUDE_UNREADABLE: 'An included file is there but cannot be read.',
  INCLUDE_LOOP: 'A file includes itself, directly or through others.',
  INCLUDE_DEPTH: 'Includes are nested deeper than 16.',
  INCLUDE_SCHEME: 'The path is a URI of a scheme that this build cannot read.',
  UNKNOWN_OPTION: 'No option of this name exists here.',
  UNKNOWN_STANZA: 'No stanza of this name exists here.',
  WRONG_SCOPE: 'The option or stanza exists but may not stand in this scope.',
  NOT_A_STANZA: 'An option is written as if it were a stanza.',
  NOT_AN_OPTION: 'A stanza is written as if it were an option.',
  BAD_VALUE: 'The value does not fit the type or the bounds of the option.',
  BAD_INSTANCE: 'The name of a stanza is missing, not wanted, or not of the form this stanza needs.',
  BAD_REGEX: 'A regular expression does not compile.',
  REQUIRED: 'A stanza lacks an option that has no default.',
  TWO_SINGLETONS: 'A module that can be loaded once is configured twice.',
  SAME_NAME: 'Two stanzas that may not share a name do.',
  SAME_SOCKET: 'Two listen stanzas ask for the same socket.',
  MODULE_NOT_BUILT: 'The option or stanza belongs to a module that is not part of this build.',
  NOT_SUPPORTED: 'The stanza names a service that cannot exist here.',
  NOT_ENFORCED: 'The option would restrict, authenticate, encrypt, stop or limit, and nothing in this build acts on it.',
  NOT_READ: 'The option is known, harmless, and nothing in this build acts on it yet.',
  MEANINGLESS: 'The option is known and can never mean anything here.',
  LOOSE_PATTERN: 'A pattern is not anchored: it matches any name that contains it.',
  CONFLICT: 'Two settings contradict each other.',
} as const;

export type ProblemName = keyof typeof problemKinds;
export type ProblemCode = `CONFIG_${ProblemName}`;

/** One mistake, or one remark (`notice`), with its place in the text. Lines and columns count from 1. */
export interface ConfigProblem {
  readonly code: ProblemCode;
  /** An error refuses the configuration; a notice is only told. */
  readonly severity: 'error' | 'notice';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many characters the caret line marks; at least 1. */
  readonly width: number;
  readonly say: string;
  /** What to write instead: "did you mean …?" or a remedy, as a whole sentence. */
  readonly hint?: string;
  /** The line of the file, without its end. */
  readonly source: string;
}

/** Makes a problem at a place in a source. */
export function problemAt(
  name: ProblemName,
  at: Spot,
  say: string,
  more: { readonly hint?: string | undefined; readonly width?: number; readonly severity?: 'error' | 'notice' } = {},
): ConfigProblem {
  return {
    code: `CONFIG_${name}`,
    severity: more.severity ?? 'error',
    file: at.source.path,
    line: at.line,
    column: at.column,
    width: Math.max(1, more.width ?? 1),
    say,
    ...(more.hint === undefined ? {} : { hint: more.hint }),
    source: at.source.lineAt(at.line),
  };
}
