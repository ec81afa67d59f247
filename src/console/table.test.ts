import { describe, expect, it } from 'vitest';
import { formatPairs, formatRecords, formatTable } from './table.js';

describe('a table', () => {
  it('sets columns in line, numbers to the right', () => {
    const rows = [
      ['far.test', 7, 'x'],
      ['a.test', 1234, null],
    ];
    expect(formatTable(['Domain', 'AQ', 'Stop'], rows)).toBe('Domain      AQ  Stop\nfar.test     7  x\na.test    1234');
  });

  it('treats a column with anything but numbers as words', () => {
    expect(formatTable(['n'], [[1], ['22']])).toBe('n\n1\n22');
  });

  it('is its titles when there are no rows', () => {
    expect(formatTable(['a', 'b'], [])).toBe('a  b');
  });

  it('lets nothing through that a terminal would act on', () => {
    expect(formatTable(['a'], [['\u001b[31mred\r\n\u0007\u009b']])).toBe('a\n?[31mred????');
    expect(formatPairs([['k', 'a\nb']])).toBe('k: a?b');
  });

  it('takes missing cells as empty', () => {
    expect(formatTable(['a', 'b'], [['x'], [undefined, true]])).toBe('a  b\nx\n   true');
  });
});

describe('pairs', () => {
  it('stand in line', () => {
    expect(
      formatPairs([
        ['State', 'active'],
        ['Id', 7],
        ['Why', undefined],
      ]),
    ).toBe('State: active\nId:    7\nWhy:');
    expect(formatPairs([])).toBe('');
  });
});

describe('records', () => {
  it('have the columns of all of them', () => {
    expect(formatRecords([{ a: 1 }, { a: 22, b: 'x' }])).toBe(' a  b\n 1\n22  x');
  });

  it('say so when there are none', () => {
    expect(formatRecords([])).toBe('(none)');
  });
});
