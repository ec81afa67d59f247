import { describe, expect, it } from 'vitest';
import { Table } from './table.js';

describe('Table', () => {
  it('gives tickets out, takes them back, and keeps what it holds while it grows', () => {
    const table = new Table();
    const tickets = Array.from({ length: 3000 }, () => table.take());
    expect(new Set(tickets).size).toBe(3000);
    for (const ticket of tickets) {
      table.segment[ticket] = ticket + 1;
      table.received[ticket] = 1_800_000_000_000 + ticket;
      table.next[ticket] = 1_900_000_000_000.5;
      table.index[ticket] = ticket & 0xffff;
    }
    for (let i = 0; i < 3000; i++) tickets.push(table.take());
    expect([table.count, table.size]).toEqual([6000, 6000]);
    expect([table.segment[2999], table.received[2999], table.next[0], table.index[7]]).toEqual([
      3000, 1_800_000_002_999, 1_900_000_000_000.5, 7,
    ]);
    table.flags[5] = 3;
    table.attempts[5] = 9;
    table.give(5);
    expect([table.has(5), table.count]).toEqual([false, 5999]);
    expect(table.take()).toBe(5);
    expect([table.has(5), table.flags[5], table.attempts[5]]).toEqual([true, 0, 0]);
    expect(table.has(1_000_000)).toBe(false);
  });
});
