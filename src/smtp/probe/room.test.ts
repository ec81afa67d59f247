/** Slots, the line and the keeping of one door, on a clock that is turned by hand. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../kernel/virtual-clock.js';
import { type Kept, type Lendable, MOST_KEPT, Room, type Slot } from './room.js';

class Fake implements Lendable {
  hasClosed = false;
  hasLeft = false;
  #gone: () => void = () => {};

  leave(): void {
    this.hasLeft = true;
  }

  whenGone(tell: () => void): void {
    this.#gone = tell;
  }

  vanish(): void {
    this.hasClosed = true;
    this.#gone();
  }
}

const NEVER = new AbortController().signal;

function open() {
  const clock = new VirtualClock();
  const shelf = new Set<Kept>();
  let emptied = 0;
  const makeRoom = () => new Room<Fake>(clock, shelf, () => emptied++);
  return {
    clock,
    shelf,
    makeRoom,
    room: makeRoom(),
    get emptied() {
      return emptied;
    },
  };
}

/** Enters and connects. */
async function come(room: Room<Fake>, most: number): Promise<{ slot: Slot<Fake>; fake: Fake }> {
  const slot = await room.enter(most, NEVER);
  const fake = slot.kept ?? new Fake();
  if (!slot.kept) slot.take(fake);
  slot.kept = undefined;
  return { slot, fake };
}

describe('a room', () => {
  it('lets so many in, and the others in the order they came', async () => {
    const { room } = open();
    const first = await come(room, 2);
    const second = await come(room, 2);
    const order: string[] = [];
    const waiting = ['a', 'b', 'c'].map((name) =>
      room.enter(2, NEVER).then((slot) => void order.push(`${name} ${slot.kept ? 'kept' : 'new'}`)),
    );
    await Promise.resolve();
    expect([room.connections, room.waiting, order]).toEqual([2, 3, []]);
    room.keep(first.slot, first.fake, 1000);
    await waiting[0];
    second.slot.giveUp();
    await Promise.resolve();
    expect(order).toEqual(['a kept']);
    second.fake.vanish();
    await waiting[1];
    expect([order, room.connections, room.waiting]).toEqual([['a kept', 'b new'], 2, 1]);
  });

  it('counts a connection until its socket is gone, also while it says goodbye', async () => {
    const { clock, room } = open();
    const { slot, fake } = await come(room, 1);
    room.keep(slot, fake, 1000);
    await clock.advance(1000);
    expect(fake.hasLeft).toBe(true);
    let isIn = false;
    const next = room.enter(1, NEVER).then(() => {
      isIn = true;
    });
    await clock.advance(10);
    expect(isIn).toBe(false);
    fake.vanish();
    await next;
    expect(room.connections).toBe(1);
  });

  it('forgets a kept connection that goes by itself', async () => {
    const all = open();
    const { slot, fake } = await come(all.room, 5);
    all.room.keep(slot, fake, 1000);
    fake.vanish();
    expect([all.room.connections, all.shelf.size, all.emptied]).toEqual([0, 0, 1]);
    expect((await all.room.enter(5, NEVER)).kept).toBeUndefined();
    await all.clock.advance(1000);
    expect(fake.hasLeft).toBe(false);
  });

  it('gives the slot back after a visit that opened nothing, and waits for all that were opened', async () => {
    const all = open();
    (await all.room.enter(1, NEVER)).giveUp();
    expect(all.emptied).toBe(1);
    const slot = await all.room.enter(1, NEVER);
    const [one, two] = [new Fake(), new Fake()];
    slot.take(one);
    slot.take(two);
    two.vanish();
    slot.giveUp();
    expect(all.room.connections).toBe(1);
    one.vanish();
    expect(all.room.connections).toBe(0);
  });

  it('lets go who gives up waiting, and admits those behind who need less', async () => {
    const { room } = open();
    await come(room, 1);
    const gone = new AbortController();
    const tired = room.enter(1, gone.signal);
    const patient = room.enter(2, NEVER);
    await Promise.resolve();
    expect(room.waiting).toBe(2);
    gone.abort(new Error('enough'));
    await expect(tired).rejects.toThrow('enough');
    await expect(patient).resolves.toBeDefined();
    expect(room.waiting).toBe(0);
    await expect(room.enter(9, gone.signal)).rejects.toThrow('enough');
  });

  it('keeps so many in all rooms together', async () => {
    const { makeRoom, shelf } = open();
    const fakes: Fake[] = [];
    for (let i = 0; i <= MOST_KEPT; i++) {
      const room = makeRoom();
      const { slot, fake } = await come(room, 1);
      room.keep(slot, fake, 1000);
      fakes.push(fake);
    }
    expect(shelf.size).toBe(MOST_KEPT);
    expect(fakes.map(({ hasLeft }) => hasLeft).filter(Boolean)).toHaveLength(1);
    expect(fakes[0]?.hasLeft).toBe(true);
  });
});
