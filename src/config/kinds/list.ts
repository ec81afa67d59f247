/** Kinds of option that hold several values. */
import { type Declare, declareKind, type Option, OptionError, type Raw } from '../option.js';
import { quote } from '../quote.js';
import { itemsOf, printItems } from './items.js';
import { compilePattern, printPattern } from './net.js';
import { textOf } from './text.js';

export const strings = declareKind<readonly string[]>({
  type: 'list',
  parse: (raw) => Object.freeze([...itemsOf(raw)]),
  print: printItems,
});

/** Reads every item; an error tells which it was. */
const readEach = <T>(raw: Raw, read: (text: string) => T): readonly T[] =>
  Object.freeze(
    itemsOf(raw).map((item, i) => {
      try {
        return read(item);
      } catch (error) {
        throw error instanceof OptionError ? error.within(i) : error;
      }
    }),
  );

/** A list of what another option holds: `opt.list(opt.ip({ doc: '' }))({ doc: '…' })`. */
export function list<T>(item: Option<T>): Declare<readonly T[]> {
  return declareKind<readonly T[]>({
    type: `list of ${item.type}`,
    parse: (raw) => readEach(raw, (text) => item.parse(text)),
    print: (value) => (value.length === 0 ? '( )' : `( ${value.map((v) => item.print(v)).join(' ')} )`),
  });
}

export const regexes = declareKind<readonly RegExp[]>({
  type: 'list of regular expressions',
  parse: (raw) => readEach(raw, compilePattern),
  print: (value) => (value.length === 0 ? '( )' : `( ${value.map(printPattern).join(' ')} )`),
});

/** A dictionary of texts. The record has no prototype. */
export const map = declareKind<Readonly<Record<string, string>>, { keys?: readonly string[] }>({
  type: 'dictionary',
  parse(raw, { keys }) {
    if (typeof raw === 'string' || Array.isArray(raw)) throw new OptionError('A dictionary is wanted.', { hint: 'Write [ key = value ].' });
    const record: Record<string, string> = Object.create(null);
    for (const [key, value] of Object.entries(raw)) {
      if (keys && !keys.includes(key)) throw new OptionError(`"${key}" is not one of ${keys.join(', ')}.`, { path: [key] });
      if (typeof value !== 'string') throw new OptionError(`"${key}" must have one value.`, { path: [key] });
      record[key] = value;
    }
    return Object.freeze(record);
  },
  print: (value) => {
    const pairs = Object.entries(value).map(([k, v]) => `${quote(k)} = ${quote(v)}`);
    return pairs.length === 0 ? '[ ]' : `[ ${pairs.join('  ')} ]`;
  },
});

/** Two numbers, low and high. */
export const range = declareKind<readonly [number, number]>({
  type: 'range',
  parse(raw) {
    const [low, high, ...more] = itemsOf(raw).map((item) => Number(textOf(item)));
    if (low === undefined || high === undefined || more.length > 0 || !(low <= high))
      throw new OptionError('Two numbers are wanted, the low one first: ( 1 5 ).');
    return Object.freeze([low, high] as const);
  },
  print: ([low, high]) => `( ${low} ${high} )`,
});
