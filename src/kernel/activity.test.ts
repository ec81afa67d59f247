import { describe, expect, it } from 'vitest';
import { Activity } from './activity.js';
import { VirtualClock } from './virtual-clock.js';

describe('activity', () => {
  it('lists what is open by label and is idle when nothing is', async () => {
    const clock = new VirtualClock();
    const activity = new Activity(clock);
    const first = activity.begin('session 192.0.2.1');
    await clock.advance(1000);
    const second = activity.begin('session 192.0.2.1');
    const third = activity.begin('flush mainlog');
    expect(activity.list()).toEqual([
      { label: 'session 192.0.2.1', count: 2, oldestMs: 1000 },
      { label: 'flush mainlog', count: 1, oldestMs: 0 },
    ]);
    let isIdle = false;
    const idle = activity.idle().then(() => (isIdle = true));
    first?.end();
    first?.end();
    second?.end();
    await Promise.resolve();
    expect([isIdle, activity.size]).toEqual([false, 1]);
    third?.end();
    await idle;
    await activity.idle();
    expect(activity.list()).toEqual([]);
  });

  it('opens nothing when it is closed, but waits for what is open', async () => {
    const activity = new Activity(new VirtualClock());
    const open = activity.begin('a');
    activity.close();
    expect([activity.begin('b'), activity.closed]).toEqual([undefined, true]);
    const idle = activity.idle();
    open?.end();
    await idle;
  });

  it('lets a waiter go by its signal', async () => {
    const activity = new Activity(new VirtualClock());
    const open = activity.begin('a');
    const abort = new AbortController();
    const idle = activity.idle(abort.signal);
    abort.abort(new Error('second signal'));
    await expect(idle).rejects.toThrow('second signal');
    await expect(activity.idle(abort.signal)).rejects.toThrow('second signal');
    open?.end();
    await activity.idle();
  });
});
