import { describe, expect, it } from 'vitest';
import { DeadlineError, openDeadline, withDeadline } from './deadline.js';
import { VirtualClock } from './virtual-clock.js';

describe('deadline', () => {
  it('gives what the work gives, and leaves nothing behind', async () => {
    const clock = new VirtualClock();
    let signal: AbortSignal | undefined;
    expect(
      await withDeadline(clock, 1000, undefined, async (own) => {
        signal = own;
        return 7;
      }),
    ).toBe(7);
    await clock.advance(5000);
    expect(signal?.aborted).toBe(false);
    await expect(withDeadline(clock, 1000, undefined, () => Promise.reject(new Error('own')))).rejects.toThrow('own');
  });

  it('ends deaf work in time, and tells it', async () => {
    const clock = new VirtualClock();
    let signal: AbortSignal | undefined;
    const late = withDeadline(clock, 1000, undefined, (own) => {
      signal = own;
      return new Promise<void>(() => undefined);
    });
    const seen = expect(late).rejects.toBeInstanceOf(DeadlineError);
    await clock.advance(1000);
    await seen;
    expect(signal?.reason).toBeInstanceOf(DeadlineError);
  });

  it('ends with its owner', async () => {
    const clock = new VirtualClock();
    const owner = new AbortController();
    const work = withDeadline(clock, 1000, owner.signal, () => new Promise<void>(() => undefined));
    owner.abort(new Error('shutdown'));
    await expect(work).rejects.toThrow('shutdown');
    await expect(withDeadline(clock, 1000, owner.signal, () => Promise.resolve())).rejects.toThrow('shutdown');
  });

  it('stays as it is once it has ended', async () => {
    const clock = new VirtualClock();
    const owner = new AbortController();
    const deadline = openDeadline(clock, 1000, owner.signal);
    deadline.end();
    owner.abort(new Error('shutdown'));
    await clock.advance(5000);
    expect(deadline.signal.aborted).toBe(false);
    const late = openDeadline(clock, 1000, owner.signal);
    expect(late.signal.reason).toBe(owner.signal.reason);
  });
});
