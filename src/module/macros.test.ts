import { describe, expect, it } from 'vitest';
import { type MacroSource, openMacroBook } from './macros.js';

const source = (text: string): MacroSource => ({ names: ['x'], fill: () => text });
const event = { kind: 'delivery', at: 0 } as const;

describe('the book of macros', () => {
  it('knows no namespace that nobody added', () => {
    expect(openMacroBook().find('a')).toBeUndefined();
  });

  it('a successor replaces a namespace and stays when the one before it is taken back', () => {
    const book = openMacroBook();
    const takeBack = book.add('a', source('old'));
    book.add('a', source('new'));
    expect(book.find('a')?.fill('x', event)).toBe('new');
    takeBack();
    expect(book.find('a')?.fill('x', event)).toBe('new');
  });

  it('a successor that is given up leaves the one before it', () => {
    const book = openMacroBook();
    const same = source('old');
    book.add('a', same);
    const takeBack = book.add('a', same);
    takeBack();
    takeBack();
    expect(book.find('a')?.fill('x', event)).toBe('old');
  });

  it('the last one taken back leaves nothing', () => {
    const book = openMacroBook();
    book.add('a', source('one'))();
    expect(book.find('a')).toBeUndefined();
  });
});
