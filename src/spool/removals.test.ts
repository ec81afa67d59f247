import { describe, expect, it } from 'vitest';
import { Removals } from './removals.js';

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('Removals', () => {
  it('runs behind one sync for all that came, in order, and tells what failed', async () => {
    const events: string[] = [];
    const removals = new Removals(
      async () => void events.push('sync'),
      (error) => void events.push(String(error)),
    );
    removals.add(async () => void events.push('a'));
    removals.add(async () => {
      throw new Error('b');
    });
    removals.add(async () => void events.push('c'));
    await removals.idle();
    expect(events).toEqual(['sync', 'a', 'sync', 'Error: b', 'c']);
  });

  it('keeps what it could not do until it is told to go on', async () => {
    let works = false;
    const done: string[] = [];
    const removals = new Removals(
      async () => {
        if (!works) throw new Error('no');
      },
      () => {},
    );
    removals.add(async () => void done.push('a'));
    removals.add(async () => void done.push('b'));
    await removals.idle();
    await turn();
    expect(done).toEqual([]);
    works = true;
    removals.go();
    removals.go();
    await removals.idle();
    expect(done).toEqual(['a', 'b']);
  });
});
