import { describe, expect, it } from 'vitest';
import { FLAG, flagPriority, readPriority, Table } from './table.js';

describe('Table', () => {
  it('gives tickets out, takes them back, and keeps what it holds while it grows', () => {
    const table = new Table();
    const tickets = Array.from({ length: 3000 }, () => table.take());
    expect(new Set(tickets).size).toBe(3000);
    for (const ticket of tickets) {
      table.slot[ticket] = ticket + 1;
      table.received[ticket] = 1_800_000_000_000 + ticket;
      table.next[ticket] = 1_900_000_000_000.5;
      table.index[ticket] = ticket & 0xffff;
    }
    for (let i = 0; i < 3000; i++) tickets.push(table.take(FLAG.shared | FLAG.quarantined));
    expect([table.count, table.size]).toEqual([6000, 6000]);
    expect([table.slot[2999], table.received[2999], table.next[0], table.index[7]]).toEqual([
      3000, 1_800_000_002_999, 1_900_000_000_000.5, 7,
    ]);
    expect([table.flags(5), table.flags(4000)]).toEqual([0, FLAG.shared | FLAG.quarantined]);
    table.idHigh[4000] = 7;
    table.idLow[4000] = 9;
    expect([table.find(7, 9), table.find(7, 8)]).toEqual([4000, undefined]);
    table.give(4000);
    expect([table.has(4000), table.count, table.find(7, 9)]).toEqual([false, 5999, undefined]);
    expect(table.take()).toBe(4000);
    expect([table.has(4000), table.flags(4000)]).toEqual([true, 0]);
    expect(table.has(1_000_000)).toBe(false);
  });

  it('has bits for each priority, none that mean anything else, and those of priority 1 as they always were', () => {
    for (let priority = -9; priority <= 9; priority++) {
      const flags = flagPriority(priority);
      expect(readPriority(flags | FLAG.shared | FLAG.quarantined | 1), String(priority)).toBe(priority);
      expect(flags & (FLAG.shared | FLAG.quarantined | 1 | ~0xff)).toBe(0);
    }
    expect([flagPriority(0), flagPriority(1)]).toEqual([0, 2]);
    for (let flags = 0; flags < 256; flags++) expect(Math.abs(readPriority(flags))).toBeLessThanOrEqual(9);
  });
});
