import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../kernel/virtual-clock.js';
import { memoryChannel } from './channel.js';
import { Line } from './line.js';

type Theirs = {
  double(n: number): number;
  slow(body: null): Promise<never>;
  refuse(body: null): never;
  note(word: string): void;
};

function join() {
  const clock = new VirtualClock();
  const channel = memoryChannel(clock, 1);
  const notes: string[] = [];
  const verbs: Theirs = {
    double: (n) => 2 * n,
    slow: () => new Promise(() => {}),
    refuse: () => {
      throw new Error('not today');
    },
    note: (word) => void notes.push(word),
  };
  const line = new Line<Theirs>(channel.ends[0], {}, clock);
  new Line<Record<string, never>>(channel.ends[1], verbs, clock);
  return { clock, channel, line, notes };
}

describe('a line between processes', () => {
  it('tells in order and answers what is asked', async () => {
    const { clock, line, notes } = join();
    for (const word of ['a', 'b', 'c']) line.tell('note', word);
    const answers = Promise.all([line.ask('double', 4), line.ask('double', 5)]);
    await clock.advance(10);
    expect(notes).toEqual(['a', 'b', 'c']);
    expect(await answers).toEqual([8, 10]);
  });

  it('passes on why something was refused', async () => {
    const { clock, line } = join();
    const answer = line.ask('refuse', null);
    answer.catch(() => {});
    await clock.advance(10);
    await expect(answer).rejects.toMatchObject({ code: 'LINE_FAILED', message: 'not today' });
  });

  it('ends every wait: by time, by the end of the other side, and afterwards at once', async () => {
    const { clock, channel, line } = join();
    const [late, gone] = [line.ask('slow', null, 5000), line.ask('slow', null, 60_000)];
    for (const each of [late, gone]) each.catch(() => {});
    await clock.advance(5001);
    await expect(late).rejects.toMatchObject({ code: 'LINE_LATE' });
    channel.cut();
    await expect(gone).rejects.toMatchObject({ code: 'LINE_GONE' });
    await expect(line.ask('double', 1)).rejects.toMatchObject({ code: 'LINE_GONE' });
    line.tell('note', 'into the void');
  });
});
