import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { CacheBook, NamedCache } from './cache.js';

const open = (entries = 3) => {
  const clock = new VirtualClock();
  const made: string[] = [];
  const cache = new NamedCache<string>(entries, { hit: 10, miss: 2 }, clock);
  const read = (key: string) =>
    cache.get(key, async () => {
      made.push(key);
      return key.toUpperCase();
    });
  return { clock, cache, made, read };
};

describe('a cache', () => {
  it('makes a value once, also for those who ask while it is made', async () => {
    const { read, made, cache } = open();
    expect(cache.peek('a')).toBeUndefined();
    expect(await Promise.all([read('a'), read('a'), read('b')])).toEqual(['A', 'A', 'B']);
    expect(await read('a')).toBe('A');
    expect(made).toEqual(['a', 'b']);
    expect(cache.peek('a')).toBe('A');
    expect(cache.size).toBe(2);
  });

  it('makes it again when its time is over', async () => {
    const { read, made, clock, cache } = open();
    await read('a');
    await clock.advance(9_999);
    await read('a');
    expect(made).toHaveLength(1);
    await clock.advance(1);
    expect(cache.peek('a')).toBeUndefined();
    await read('a');
    expect(made).toHaveLength(2);
  });

  it('lets the least recently used go', async () => {
    const { read, cache } = open();
    for (const key of ['a', 'b', 'c', 'a', 'd']) await read(key);
    expect(['a', 'b', 'c', 'd'].filter((key) => cache.peek(key) !== undefined)).toEqual(['a', 'c', 'd']);
    expect(cache.size).toBe(3);
  });

  it('holds one entry at least', async () => {
    const { read, cache } = open(0);
    await read('a');
    expect(cache.size).toBe(1);
  });

  it('remembers a failure for a time of its own', async () => {
    const { cache, clock } = open();
    let tries = 0;
    const fail = () =>
      cache.get('a', async () => {
        throw new Error(`try ${++tries}`);
      });
    await expect(fail()).rejects.toThrow('try 1');
    await expect(fail()).rejects.toThrow('try 1');
    await clock.advance(2000);
    await expect(fail()).rejects.toThrow('try 2');
    await expect(cache.get('b', () => Promise.reject(undefined))).rejects.toBeUndefined();
    await expect(cache.get('b', async () => 'B')).rejects.toThrow('unknown');
  });

  it('empties and says how much', async () => {
    const { read, cache } = open();
    await read('a');
    await read('b');
    expect(cache.clear()).toBe(2);
    expect(cache.size).toBe(0);
  });
});

describe('the book of caches', () => {
  const of = (entries: number) => ({
    size: entries,
    clear() {
      const { size } = this;
      this.size = 0;
      return size;
    },
  });

  it('goes on listing the cache in force when one of the same name comes and goes', () => {
    const book = new CacheBook();
    const [old, next] = [{}, {}];
    book.add('m/keys', of(3), old);
    book.add('m/keys', of(4), next);
    expect(book.sizes()).toEqual([{ name: 'm/keys', entries: 7 }]);
    book.removeAllOf(next);
    expect(book.sizes()).toEqual([{ name: 'm/keys', entries: 3 }]);
    expect(book.clear('m/keys')).toBe(3);
    book.removeAllOf(old);
    expect(book.names()).toEqual([]);
    expect(book.clear('m/keys')).toBeUndefined();
  });
});
