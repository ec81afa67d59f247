/** Kinds of option whose value is a word or a text. */
import { didYouMean } from '../near.js';
import { type Declare, declareKind, OptionError, type Raw } from '../option.js';
import { quote } from '../quote.js';

/** The text of a single value; a list or a dictionary is refused. */
export function textOf(raw: Raw): string {
  if (typeof raw === 'string') return raw;
  throw new OptionError(Array.isArray(raw) ? 'One value is wanted, not a list.' : 'One value is wanted, not a dictionary.');
}

/** Any text that is not empty. */
export const string = declareKind<string>({
  type: 'string',
  parse(raw) {
    const text = textOf(raw);
    if (text === '') throw new OptionError('The value is empty.');
    return text;
  },
  print: quote,
});

/** Any text, the empty one too. */
export const blank = declareKind<string>({ type: 'string', parse: textOf, print: quote });

/** A text that is never shown. */
export const secret = declareKind<string>({ type: 'secret', hidden: true, parse: textOf, print: () => '"********"' });

const TRUE = ['true', 'yes', 'on', '1', 'enabled'];
const FALSE = ['false', 'no', 'off', '0', 'disabled'];

/** True for true, yes, on, 1, enabled; false for their opposites; undefined for anything else. */
export function parseBool(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return TRUE.includes(lower) ? true : FALSE.includes(lower) ? false : undefined;
}

export const bool = declareKind<boolean>({
  type: 'boolean',
  parse(raw) {
    const text = textOf(raw);
    const value = parseBool(text);
    if (value !== undefined) return value;
    throw new OptionError(`"${text}" is neither true nor false.`, {
      hint: didYouMean(text, ['true', 'false', 'enabled', 'disabled', 'yes', 'off']),
    });
  },
  print: String,
});

/** One word of a few; case does not matter. `also` gives other spellings, e.g. those of a boolean. */
export function choice<const C extends readonly string[]>(...of: C): Declare<C[number], { also?: Readonly<Record<string, C[number]>> }> {
  const parse = (raw: Raw, given: { also?: Readonly<Record<string, C[number]>> }): C[number] => {
    const text = textOf(raw);
    const lower = text.toLowerCase();
    const found = of.find((word) => word.toLowerCase() === lower) ?? given.also?.[lower];
    if (found !== undefined) return found;
    throw new OptionError(`"${text}" is not one of ${of.join(', ')}.`, { hint: didYouMean(text, of) });
  };
  return declareKind<C[number], { also?: Readonly<Record<string, C[number]>> }>({ type: of.join(' | '), parse, print: quote });
}
