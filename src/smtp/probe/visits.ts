/** Visits to other SMTP servers: finds a connection for each visitor, guards its time, and takes the connection back. */
import type { Clock } from '../../kernel/clock.js';
import type { Watch } from '../../kernel/watch.js';
import { type ProbeDoor, ProbeFailure, type ProbeService, type ProbeTerms, type ProbeVisit } from '../../module/probe.js';
import { ClientKit, Wire } from '../client/wire.js';
import type { Call, Dial } from './call.js';
import { Guest } from './guest.js';
import { heed } from './heed.js';
import { type Means, reach } from './reach.js';
import { type Kept, Room, type Slot } from './room.js';

export interface VisitPorts extends Pick<Means, 'names' | 'hostname' | 'secureContext'> {
  readonly clock: Clock;
  readonly watch: Watch;
  /** Processes that have together what `most` allows. */
  readonly workers: number;
  /** Opens a connection in place of the net's own way, for tests. */
  readonly dial?: Dial;
}

/** A kept connection that does not answer RSET within this share of the visit's time, or so many milliseconds, is taken for dead. */
const RSET_SHARE = 0.25;
const RSET_MS = 5000;
/** Each visit is an RSET, and servers count these: Postfix takes those beyond a hundred for errors, and is patient with ten of them. */
const MOST_VISITS = 110;

export class Visits implements ProbeService {
  readonly #means: Means;
  readonly #workers: number;
  readonly #rooms = new Map<string, Room<Call>>();
  readonly #shelf = new Set<Kept>();
  readonly #running = new Set<(reason: unknown) => void>();
  #isClosed = false;
  #emptied: () => void = () => {};

  constructor({ clock, watch, dial, workers, ...means }: VisitPorts) {
    this.#workers = workers;
    this.#means = {
      clock,
      kit: new ClientKit(clock, watch),
      dial: dial ?? ((kit, terms, owner) => new Wire(kit, terms, owner)),
      names: means.names,
      hostname: () => means.hostname(),
      secureContext: () => means.secureContext(),
    };
  }

  /** Connections that stand or come about, those that say goodbye included. */
  get connections(): number {
    let sum = 0;
    for (const room of this.#rooms.values()) sum += room.connections;
    return sum;
  }

  async visit<T>(door: ProbeDoor, terms: ProbeTerms, ask: (visit: ProbeVisit) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw makeStopping();
    const { signal: owner, timeoutMs } = terms;
    if (owner.aborted) throw owner.reason;
    const ending = new AbortController();
    const end = (reason: unknown): void => ending.abort(reason);
    const leave = (): void => end(owner.reason);
    const timer = this.#means.clock.after(timeoutMs, () => end(new ProbeFailure('late', `${door.host} took longer than ${timeoutMs} ms`)));
    owner.addEventListener('abort', leave, { once: true });
    this.#running.add(end);
    try {
      return await this.#host(door, terms, ask, ending.signal);
    } finally {
      timer.cancel();
      owner.removeEventListener('abort', leave);
      this.#running.delete(end);
    }
  }

  /** Visits that run are broken off, kept connections say goodbye; resolves when every socket is gone. Nobody is let in any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const end of [...this.#running]) end(makeStopping());
    for (const kept of [...this.#shelf]) kept.dismiss();
    if (this.#rooms.size === 0) return;
    await new Promise<void>((done) => {
      this.#emptied = done;
    });
  }

  async #host<T>(door: ProbeDoor, terms: ProbeTerms, ask: (visit: ProbeVisit) => Promise<T>, signal: AbortSignal): Promise<T> {
    const endsAt = this.#means.clock.mono() + terms.timeoutMs;
    const room = this.#roomOf(door);
    const slot = await room.enter(Math.floor(terms.most / this.#workers), signal);
    const call = await this.#find(slot, door, endsAt, signal);
    const guest = new Guest(call);
    const end = (): void => call.close(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    try {
      signal.throwIfAborted();
      call.visits++;
      return await heed(ask(guest), signal);
    } finally {
      signal.removeEventListener('abort', end);
      guest.end();
      if (call.isFit && terms.idleMs > 0 && call.visits < MOST_VISITS && !this.#isClosed) room.keep(slot, call, terms.idleMs);
      else {
        slot.giveUp();
        call.leave();
      }
    }
  }

  /** The connection that was kept, if it is good yet; else a fresh one. */
  async #find(slot: Slot<Call>, door: ProbeDoor, endsAt: number, signal: AbortSignal): Promise<Call> {
    const { kept } = slot;
    slot.kept = undefined;
    try {
      if (kept && (await this.#isAlive(kept, endsAt, signal))) return kept;
      return await reach(this.#means, door, endsAt, signal, (call) => slot.take(call));
    } catch (error) {
      slot.giveUp();
      throw error;
    }
  }

  /** RSET shows whether it lives, and takes from it what the visitor before has left. */
  async #isAlive(call: Call, endsAt: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#means;
    const ms = Math.min(RSET_MS, RSET_SHARE * (endsAt - clock.mono()));
    const end = (): void => call.close(new ProbeFailure('broken', 'no answer to RSET'));
    const timer = clock.after(ms, end);
    signal.addEventListener('abort', end, { once: true });
    try {
      if ((await call.say('RSET')).code === 250) return true;
    } catch {
      // Whatever was wrong with it, another connection takes its place.
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', end);
    }
    call.leave();
    if (signal.aborted) throw signal.reason;
    return false;
  }

  #roomOf(door: ProbeDoor): Room<Call> {
    const { host, port, tls, verify = false, helo = '' } = door;
    const key = JSON.stringify([host.toLowerCase(), port, tls, verify, helo]);
    let room = this.#rooms.get(key);
    if (!room) {
      room = new Room(this.#means.clock, this.#shelf, () => {
        this.#rooms.delete(key);
        if (this.#rooms.size === 0) this.#emptied();
      });
      this.#rooms.set(key, room);
    }
    return room;
  }
}

const makeStopping = (): ProbeFailure => new ProbeFailure('unreached', 'the daemon stops');
