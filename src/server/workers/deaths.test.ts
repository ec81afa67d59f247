import { describe, expect, it } from 'vitest';
import { Deaths } from './deaths.js';
import { Turns } from './turns.js';

describe('deaths of a worker', () => {
  it('are followed by longer pauses, up to ten seconds, and by probation after three in a minute', () => {
    const deaths = new Deaths();
    const told = Array.from({ length: 9 }, (_, i) => deaths.count(i * 1000));
    expect(told.map(({ delayMs }) => delayMs)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    expect(told.map(({ onProbation }) => onProbation)).toEqual([false, false, ...Array(7).fill(true)]);
  });

  it('that are long ago count no more, and a minute without one ends probation', () => {
    const deaths = new Deaths();
    deaths.count(0);
    deaths.count(40_000);
    expect(deaths.count(61_000)).toEqual({ delayMs: 200, onProbation: false });
    expect(deaths.count(62_000)).toEqual({ delayMs: 400, onProbation: true });
    expect(deaths.forgive(100_000)).toBe(false);
    expect(deaths.onProbation).toBe(true);
    expect(deaths.forgive(122_000)).toBe(true);
    expect(deaths.onProbation).toBe(false);
    expect(deaths.forgive(500_000)).toBe(false);
  });
});

describe('turns', () => {
  it('go in the order of asking, and past those who leave', async () => {
    const turns = new Turns();
    const [a, b, c] = [{}, {}, {}];
    const order: string[] = [];
    const first = turns.take(a).then(() => order.push('a'));
    void turns.take(b).then(() => order.push('b'));
    const third = turns.take(c).then(() => order.push('c'));
    await first;
    expect(order).toEqual(['a']);
    turns.end(b);
    turns.end(a);
    await third;
    expect(order).toEqual(['a', 'c']);
    turns.end(c);
    await turns.take(b);
  });
});
