/** Kinds of option whose value is a number, bare or with a unit. */
import { didYouMean } from '../near.js';
import { type Declare, declareKind, OptionError, type Raw } from '../option.js';
import { textOf } from './text.js';

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** The number when it lies within the bounds; `show` spells the bounds. */
function bound(
  value: number,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: Bounds,
  show: (n: number) => string = String,
): number {
  if (value >= min && value <= max) return value;
  const wanted =
    max === Number.POSITIVE_INFINITY
      ? `at least ${show(min)}`
      : min === Number.NEGATIVE_INFINITY
        ? `at most ${show(max)}`
        : `from ${show(min)} to ${show(max)}`;
  throw new OptionError(`The value must be ${wanted}.`);
}

function parseInteger(raw: Raw, given: Bounds): number {
  const text = textOf(raw).trim();
  if (!/^[+-]?\d+$/.test(text)) throw new OptionError(`"${text}" is not a whole number.`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new OptionError(`"${text}" is too large a number.`);
  return bound(value, { min: 0, ...given });
}

function parseNumber(raw: Raw, given: Bounds): number {
  const text = textOf(raw).trim();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new OptionError(`"${text}" is not a number.`);
  return bound(Number(text), given);
}

/** A whole number, from 0 unless `min` says otherwise. */
export const int = declareKind<number, Bounds>({ type: 'integer', parse: parseInteger, print: String });

export const number = declareKind<number, Bounds>({ type: 'number', parse: parseNumber, print: String });

/** A number or one of a few words. */
function orWords<const C extends readonly string[]>(
  type: string,
  parse: (raw: Raw, given: Bounds) => number,
  of: C,
): Declare<number | C[number], Bounds> {
  return declareKind<number | C[number], Bounds>({
    type: `${type} | ${of.join(' | ')}`,
    parse(raw, given) {
      const text = textOf(raw);
      const word = of.find((w) => w.toLowerCase() === text.toLowerCase());
      if (word !== undefined) return word;
      if (/^[+-]?\.?\d/.test(text)) return parse(raw, given);
      throw new OptionError(`"${text}" is neither a number nor one of ${of.join(', ')}.`, { hint: didYouMean(text, of) });
    },
    print: String,
  });
}

export const intOr = <const C extends readonly string[]>(...of: C) => orWords('integer', parseInteger, of);
export const numberOr = <const C extends readonly string[]>(...of: C) => orWords('number', parseNumber, of);

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const UNIT_WORDS: Readonly<Record<string, string>> = {
  msec: 'ms',
  millisecond: 'ms',
  sec: 's',
  second: 's',
  min: 'm',
  minute: 'm',
  hour: 'h',
  hr: 'h',
  day: 'd',
  week: 'w',
};

const unitOf = (word: string): number | undefined => {
  const lower = word.toLowerCase();
  return UNITS[lower] ?? UNITS[UNIT_WORDS[lower] ?? ''] ?? UNITS[UNIT_WORDS[lower.replace(/s$/, '')] ?? ''];
};

/** Milliseconds of "4 hours", "1h30m" or a bare number of `unit`s. */
function parseDuration(raw: Raw, unit: 's' | 'ms'): number {
  const text = textOf(raw).trim();
  if (!/^(\d+(\.\d+)?\s*[a-z]*\s*)+$/i.test(text))
    throw new OptionError(`"${text}" is not a duration.`, { hint: 'Write a number of seconds, or a number with a unit: "4 hours".' });
  let sum = 0;
  for (const [, digits = '', , word = ''] of text.matchAll(/(\d+(\.\d+)?)\s*([a-z]*)/gi)) {
    const factor = unitOf(word === '' ? unit : word);
    if (factor === undefined)
      throw new OptionError(`"${word}" is not a unit of time.`, {
        hint: didYouMean(word, ['seconds', 'minutes', 'hours', 'days', 'weeks']),
      });
    sum += Number(digits) * factor;
  }
  return sum;
}

/** A duration in whole seconds. */
export const seconds = declareKind<number, Bounds>({
  type: 'duration',
  parse(raw, given) {
    const value = parseDuration(raw, 's') / 1000;
    if (!Number.isInteger(value)) throw new OptionError('Only whole seconds are possible.');
    return bound(value, given, (n) => `${n} s`);
  },
  print: String,
});

/** A duration in whole milliseconds; a bare number is milliseconds. */
export const milliseconds = declareKind<number, Bounds>({
  type: 'milliseconds',
  parse: (raw, given) => bound(Math.round(parseDuration(raw, 'ms')), given, (n) => `${n} ms`),
  print: String,
});

const SIZES: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Bytes; k, M and G are powers of 1024. */
export const size = declareKind<number, Bounds>({
  type: 'size',
  parse(raw, given) {
    const text = textOf(raw).trim();
    const [, digits, letter = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
    const value = Math.round(Number(digits) * (SIZES[letter.toLowerCase()] ?? Number.NaN));
    if (!Number.isSafeInteger(value))
      throw new OptionError(`"${text}" is not a size.`, { hint: 'Write bytes, or a number with k, M or G: 10M.' });
    return bound(value, { min: 0, ...given });
  },
  print: String,
});

/** 0 to 100, with or without its sign. */
export const percent = declareKind<number, Bounds>({
  type: 'percent',
  parse: (raw, given) => parseNumber(textOf(raw).trim().replace(/\s*%$/, ''), { min: 0, max: 100, ...given }),
  print: (value) => `${value}%`,
});

/** Permissions of a file as chmod writes them: 0640. */
export const octal = declareKind<number>({
  type: 'permissions',
  parse(raw) {
    const text = textOf(raw).trim();
    if (!/^(0o?)?[0-7]{3,4}$/.test(text)) throw new OptionError(`"${text}" is not a file mode.`, { hint: 'Write it in octal: 0640.' });
    return Number.parseInt(text.replace('o', ''), 8);
  },
  print: (value) => `0${value.toString(8).padStart(3, '0')}`,
});

/** At most `count` in any `seconds` seconds. `none` means no limit, which also ends the search in wider scopes. */
export type Throttle = { readonly count: number; readonly seconds: number } | 'none';

/** `"N"` = N in a second, `"N/S"` = N in S seconds, 0 or `none` = no limit. */
export const throttle = declareKind<Throttle>({
  type: 'throttle',
  parse(raw) {
    const text = textOf(raw).trim();
    if (/^none$/i.test(text)) return 'none';
    const [, count, per = '1'] = /^(\d{1,12})(?:\s*\/\s*(\d{1,9}))?$/.exec(text) ?? [];
    if (count === undefined)
      throw new OptionError(`"${text}" is not a throttle.`, { hint: 'Write "N" for N in a second, or "N/S" for N in S seconds.' });
    if (Number(per) === 0) throw new OptionError('A throttle counts over at least one second.');
    return Number(count) === 0 ? 'none' : Object.freeze({ count: Number(count), seconds: Number(per) });
  },
  print: (value) => (value === 'none' ? '0' : `"${value.count}/${value.seconds}"`),
});
