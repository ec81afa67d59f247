/** How fast connections of a place have worked in the last minute: batches and mails handed out while something was in flight. */
import type { Carrier } from '../module/flow.js';
import type { Place } from '../module/place.js';

const SLOT_MS = 5000;
const SLOTS = 12;
const WINDOW_MS = SLOT_MS * SLOTS;
/** Places measured at the same time; further ones are measured when one of these has rested for a minute. */
const MOST = 4096;
/** Connections of a place are counted this often. */
const SAMPLE_MS = 1000;
/** Less work than this says nothing yet. */
const LEAST_BUSY_MS = 1000;

/** What one busy connection does. */
export interface Measured {
  readonly batchesPerSecond: number;
  readonly mailsPerBatch: number;
}

class Meter {
  readonly batches = new Float64Array(SLOTS);
  readonly mails = new Float64Array(SLOTS);
  /** Milliseconds times connections while something was in flight. */
  readonly busy = new Float64Array(SLOTS);
  /** The slot that was written last, counted from the clock's beginning. */
  slot = 0;
  isBusy = false;
  lastAt = 0;
  connections = 1;
  sampledAt = Number.NEGATIVE_INFINITY;

  /** Empties the slots that time has passed; answers the present one. */
  turn(now: number): number {
    const slot = Math.floor(now / SLOT_MS);
    for (let s = Math.max(this.slot + 1, slot - SLOTS + 1); s <= slot; s++) {
      this.batches[s % SLOTS] = 0;
      this.mails[s % SLOTS] = 0;
      this.busy[s % SLOTS] = 0;
    }
    this.slot = Math.max(this.slot, slot);
    return slot % SLOTS;
  }

  /** Counts the time since the last event. */
  settle(now: number): number {
    const at = this.turn(now);
    if (this.isBusy) this.busy[at] = (this.busy[at] as number) + Math.min(now - this.lastAt, WINDOW_MS) * this.connections;
    this.lastAt = now;
    return at;
  }
}

export class Pace {
  readonly #meters = new Map<Place, Meter>();

  /** A batch was handed out. The carrier is asked for its connections once a second at most. */
  begin(place: Place, mails: number, now: number, carrier: Pick<Carrier, 'connections'>): void {
    const meter = this.#meters.get(place) ?? this.#open(place, now);
    if (!meter) return;
    const at = meter.settle(now);
    meter.isBusy = true;
    meter.batches[at] = (meter.batches[at] as number) + 1;
    meter.mails[at] = (meter.mails[at] as number) + mails;
    if (now - meter.sampledAt < SAMPLE_MS) return;
    meter.sampledAt = now;
    // The one that asks may not be counted yet.
    meter.connections = Math.max(1, carrier.connections(place));
  }

  /** Nothing of the place is in flight any more. */
  rest(place: Place, now: number): void {
    const meter = this.#meters.get(place);
    if (!meter?.isBusy) return;
    meter.settle(now);
    meter.isBusy = false;
  }

  /** What was measured over the last minute; undefined when that was too little. */
  of(place: Place, now: number): Measured | undefined {
    const meter = this.#meters.get(place);
    if (!meter) return undefined;
    meter.settle(now);
    const busyMs = sum(meter.busy);
    const batches = sum(meter.batches);
    if (busyMs < LEAST_BUSY_MS || batches === 0) return undefined;
    return { batchesPerSecond: (batches * 1000) / busyMs, mailsPerBatch: sum(meter.mails) / batches };
  }

  #open(place: Place, now: number): Meter | undefined {
    if (this.#meters.size >= MOST) {
      const [oldest] = this.#meters;
      if (!oldest || now - oldest[1].lastAt < WINDOW_MS) return undefined;
      this.#meters.delete(oldest[0]);
    }
    const meter = new Meter();
    meter.slot = Math.floor(now / SLOT_MS);
    meter.lastAt = now;
    this.#meters.set(place, meter);
    return meter;
  }
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
