/** How commands about the queue read their words: domains, counts, notes, filters; and how they show times and reasons. */
import { CodedError } from '../../kernel/problems.js';
import type { PlaceParts } from '../../module/place.js';
import type { Reason } from '../../queue/reasons.js';
import type { Filter, Touched } from '../../queue/selection.js';
import { CommandError, say, type Told } from '../command.js';
import { addNumbers, type Merge } from '../merge.js';

/** Default note of commands that end mail. */
export const PURGED = '554 Message manually purged.';

/** A wall time for people; empty for none. */
export const showTime = (ms: number | undefined): string => (ms !== undefined && ms > 0 && ms < 1e14 ? new Date(ms).toISOString() : '');

/** `all` means every domain. */
export function domainOf(word: string | undefined): PlaceParts {
  if (word === undefined) throw new CommandError('Say which domain, or "all".');
  return word.toLowerCase() === 'all' ? {} : { domain: word.toLowerCase() };
}

/** A binding by name, `all` for every one. */
export function bindingOf(word: string | undefined): PlaceParts {
  if (word === undefined) throw new CommandError('Say which binding, or "all".');
  return word.toLowerCase() === 'all' ? {} : { binding: word };
}

/** A whole number that is not below 0. */
export function readCount(word: string): number {
  if (!/^\d{1,15}$/.test(word)) throw new CommandError(`"${word}" is no number.`);
  return Number(word);
}

/** Seconds above 0. */
export function readSeconds(word: string | undefined): number {
  const seconds = Number(word ?? '');
  if (!Number.isFinite(seconds) || seconds <= 0) throw new CommandError('Say for how many seconds.');
  return seconds;
}

/** A note without a code is given 554 5.7.0. */
export function noteOf(words: readonly string[], other: string): string {
  if (words.length === 0) return other;
  const text = words.join(' ');
  return /^5\d\d /.test(text) ? text : `554 5.7.0 ${text}`;
}

/** Runs an operation; a coded problem becomes the answer. */
export async function attempt<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CodedError) throw new CommandError(error.message);
    throw error;
  }
}

/** How the filters below are written. */
export const FILTER_ARGS = '[--domain D] [--binding B] [--group G] [--sender S] [--header NAME TEXT] [--meta KEY VALUE] [--older SECONDS]';

/** A command's words: what selects mail, whether it is only a rehearsal, and the rest in order. */
export interface Selected {
  readonly filter: Filter;
  readonly isDryRun: boolean;
  readonly rest: readonly string[];
}

/** Reads filters anywhere among the words; `--` ends them. */
export function readSelected(args: readonly string[]): Selected {
  const filter: { -readonly [K in keyof Filter]: Filter[K] } = {};
  const rest: string[] = [];
  let isDryRun = false;
  let at = 0;
  const next = (flag: string): string => {
    const value = args[at++];
    if (value === undefined) throw new CommandError(`${flag} needs a value.`);
    return value;
  };
  while (at < args.length) {
    const word = args[at++] as string;
    if (word === '--') {
      rest.push(...args.slice(at));
      break;
    }
    if (word === '--dry-run') isDryRun = true;
    else if (word === '--domain') filter.domain = next(word).toLowerCase();
    else if (word === '--binding') filter.binding = next(word);
    else if (word === '--group') filter.group = next(word);
    else if (word === '--sender') filter.sender = next(word);
    else if (word === '--older') filter.olderSeconds = readCount(next(word));
    else if (word === '--header') filter.header = [next(word), next(word)];
    else if (word === '--meta') filter.meta = [next(word), next(word)];
    else if (word.startsWith('--')) throw new CommandError(`"${word}" is none of ${FILTER_ARGS} [--dry-run].`);
    else rest.push(word);
  }
  return { filter, isDryRun, rest };
}

/** What a rehearsal answers. */
export const rehearsed = ({ messages, queues }: Touched): string => `would touch ${messages} messages in ${queues} queues`;

/** The answer of a rehearsal. */
export const tellRehearsal = (touched: Touched): Told => say(rehearsed(touched), touched);

/** What may tell the queues that were concerned. */
type Counted = { readonly messages: number; readonly names?: readonly string[] };

/** Counts of two workers as one; a queue that both have mail in is one queue, as long as they tell which. */
export function addTouched<R extends Counted>(a: R, b: R): R {
  const sum = addNumbers(a, b);
  if (!a.names || !b.names) return { ...sum, names: undefined };
  const names = [...new Set([...a.names, ...b.names])];
  return { ...sum, queues: names.length, names };
}

/** Joins answers of a command that can be rehearsed. */
export const joinTouched = <R extends { readonly messages: number }>(print: (record: R) => string): Merge => ({
  join(told, args) {
    // The same command of the same program answered: a rehearsal tells what would be touched, the deed its own record.
    if (readSelected(args).isDryRun) return tellRehearsal(told.map(({ data }) => data as Touched).reduce(addTouched));
    const data = told.map((each) => each.data as R).reduce(addTouched);
    return { data, text: print(data) };
  },
});

/** What is selected in the places that the words before it name; a filter for the same part is refused. */
export function selectIn(where: PlaceParts, { filter }: Selected): Filter {
  for (const part of ['domain', 'binding'] as const)
    if (where[part] !== undefined && filter[part] !== undefined && where[part] !== filter[part])
      throw new CommandError(`Say the ${part} once.`);
  return { ...filter, ...where };
}

/** A reason on one line: until when, what, how much of the limit, and where the option behind it is written. */
export function showReason({ text, untilMs, used, allowed, option, origin, reply }: Reason): string {
  const until = untilMs === undefined ? '' : `until ${showTime(untilMs)}: `;
  const use = allowed === undefined ? '' : ` (${used} of ${allowed} in use)`;
  const value = origin && typeof origin.value !== 'object' && origin.value !== undefined ? ` = ${String(origin.value)}` : '';
  const where =
    origin === undefined ? '' : origin.file === undefined ? ', by default' : `, set at ${origin.file}:${origin.line} (${origin.scopeKey})`;
  const said = reply === undefined ? '' : `, the last was told ${reply}`;
  return `${until}${text}${said}${use}${option === undefined ? '' : `; ${option}${value}${where}`}`;
}
