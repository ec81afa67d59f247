/** Turns: never more than allowed, in order, and nobody waits for nothing. */
import { describe, expect, it } from 'vitest';
import { Turns } from './turns.js';

const { signal } = new AbortController();
const settle = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('turns', () => {
  it('are limited over all and for each domain; who cannot start yet does not hold up others', async () => {
    const turns = new Turns(3, 2, 9);
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const start = (name: string, key: string): void =>
      void turns.take(key, signal).then((end) => {
        begun.push(name);
        if (end) ends.set(name, end);
      });
    for (const name of ['a1', 'a2', 'a3']) start(name, 'a');
    start('b1', 'b');
    start('c1', 'c');
    await settle();
    expect([begun, turns.running, turns.waiting]).toEqual([['a1', 'a2', 'b1'], 3, 2]);
    ends.get('b1')?.();
    await settle();
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1']);
    ends.get('a2')?.();
    await settle();
    expect([begun.at(-1), turns.running, turns.waiting]).toEqual(['a3', 3, 0]);
    for (const name of ['a1', 'a3', 'c1']) ends.get(name)?.();
    expect(turns.running).toBe(0);
  });

  it('are left by those who give up', async () => {
    const turns = new Turns(1, 1, 5);
    const end = await turns.take('a', signal);
    const owner = new AbortController();
    const waiting = turns.take('a', owner.signal);
    owner.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(turns.take('a', owner.signal)).rejects.toThrow('enough');
    end?.();
    expect([turns.running, turns.waiting]).toEqual([0, 0]);
    expect(await turns.take('a', signal)).toBeTypeOf('function');
  });

  it('have a line that ends', async () => {
    const turns = new Turns(1, 1, 5);
    await turns.take('a', signal);
    for (let n = 0; n < 5; n++) void turns.take('a', signal);
    expect(await turns.take('a', signal)).toBeUndefined();
  });
});
