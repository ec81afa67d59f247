/** Lists of words: how they are read and spelled. */
import { OptionError, type Raw } from '../option.js';
import { quote } from '../quote.js';
import { textOf } from './text.js';

/** The texts of a list; a single value is split at blanks and commas. */
export function itemsOf(raw: Raw): readonly string[] {
  if (typeof raw === 'string') return raw.split(/[\s,]+/).filter((item) => item !== '');
  if (!Array.isArray(raw)) throw new OptionError('A list ( … ) is wanted, not a dictionary.');
  return raw.map((item: Raw, i) => {
    const text = textOf(item);
    if (text.endsWith(',')) {
      const hint = text === ',' ? 'Take the comma out.' : `Write ${quote(text.slice(0, -1))}.`;
      throw new OptionError('Items of a list are separated by blanks, without commas.', { path: [i], hint });
    }
    return text;
  });
}

export const printItems = (items: readonly string[]): string => (items.length === 0 ? '( )' : `( ${items.map(quote).join(' ')} )`);
