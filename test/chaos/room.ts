/** A delivery room on loopback with everything around it in memory: what went out of it can be looked at. */
import { configureText } from '../../src/config/configure.js';
import { readerOf } from '../../src/config/reader.js';
import type { Snapshot } from '../../src/config/snapshot.js';
import { Delivery } from '../../src/deliver/delivery.js';
import type { DeliveryPorts } from '../../src/deliver/ports.js';
import { type Clock, systemClock } from '../../src/kernel/clock.js';
import { Watch } from '../../src/kernel/watch.js';
import type { Attempt, Delivery as Outcome } from '../../src/module/attempt.js';
import type { Copy } from '../../src/module/copy.js';
import { HookSet } from '../../src/module/hook-set.js';
import type { Login, NoLogin } from '../../src/module/login.js';
import type { Mail } from '../../src/module/message.js';
import { type Place, PlaceTable } from '../../src/module/place.js';
import type { RankedHop, Route } from '../../src/module/resolver.js';
import { DirectBroker } from '../../src/server/broker.js';
import { type CopyWishes, makeCopies } from '../fixtures/copies.js';
import { MemorySupply } from './supply.js';

export interface RoomWishes {
  readonly config?: string;
  readonly clock?: Clock;
  /** Routes by routing domain; a domain without one goes nowhere. */
  readonly routes: Readonly<Record<string, Route | readonly Partial<RankedHop>[]>>;
  readonly connect?: DeliveryPorts['connect'];
  readonly tlsWent?: DeliveryPorts['tlsWent'];
  readonly confirm?: DeliveryPorts['confirm'];
  /** Handlers in place of a hook's chain. */
  readonly veto?: (hop: RankedHop) => string | undefined | Promise<string | undefined>;
  readonly outcome?: (delivery: Outcome, mail: Mail) => Outcome | Promise<Outcome>;
  readonly identity?: (mail: Mail) => Login | NoLogin | undefined | Promise<Login | NoLogin | undefined>;
  readonly sources?: (place: Place) => readonly string[] | undefined;
  readonly classify?: DeliveryPorts['classify'];
}

/** Snapshot of a configuration text; every option counts as read. */
export async function snapshotOf(text: string): Promise<Snapshot> {
  const result = await configureText(text, { reader: readerOf({}), unread: new Set<string>() } as never);
  if (!result.ok) throw new Error(result.problems.map((problem) => problem.say).join('; '));
  return result.snapshot;
}

export class Room {
  readonly clock: Clock;
  readonly watch: Watch;
  readonly supply = new MemorySupply();
  readonly broker: DirectBroker;
  readonly delivery: Delivery;
  readonly places = new PlaceTable();
  readonly attempts: Attempt[] = [];
  readonly failures: { readonly mail: Copy; readonly attempt: Attempt; readonly quiet: boolean }[] = [];
  readonly gone: number[] = [];
  readonly logs: string[] = [];
  /** Called with every attempt. */
  readonly told: ((attempt: Attempt) => void)[] = [];
  /** Off, nothing but the callbacks hears of attempts. */
  keepAttempts = true;
  readonly forgotten: string[] = [];
  blocked: string | undefined;
  snapshot: Snapshot;
  #tickets = 0;
  #connections = 0;

  constructor(snapshot: Snapshot, wishes: RoomWishes) {
    this.snapshot = snapshot;
    this.clock = wishes.clock ?? systemClock;
    this.watch = new Watch(this.clock);
    this.broker = new DirectBroker(this.clock);
    const room = this;
    const { chains } = new HookSet([], { watch: this.watch, mono: () => this.clock.mono(), failed: () => {}, runLimitMs: 1000 });
    const { veto, outcome, identity, sources } = wishes;
    const [some] = [{ length: 1 }] as never[];
    const heard = {
      ...chains,
      ...(veto && { veto: Object.assign(Object.create(chains.veto), { placed: [some], run: (_: Place, hop: RankedHop) => veto(hop) }) }),
      ...(outcome && { outcome: Object.assign(Object.create(chains.outcome), { placed: [some], run: outcome }) }),
      ...(identity && { outbound_auth: Object.assign(Object.create(chains.outbound_auth), countingFaults(identity)) }),
      ...(sources && { sources: Object.assign(Object.create(chains.sources), { placed: [some], run: sources }) }),
      attempted: Object.assign(Object.create(chains.attempted), { run: (attempt: Attempt) => this.#hear(attempt) }),
    };
    this.delivery = new Delivery({
      clock: this.clock,
      watch: this.watch,
      supply: this.supply,
      broker: this.broker,
      router: {
        route: (place) => routeOf(wishes.routes[place.domain]),
        forget: (domain) => void this.forgotten.push(domain),
      },
      spool: {
        get blocked() {
          return room.blocked;
        },
        gone: (ticket) => void (this.keepAttempts && this.gone.push(ticket)),
      },
      snapshot: () => this.snapshot,
      hostname: () => 'celeris.test',
      nextId: () => `connection-${this.#connections++}`,
      chains: () => heard,
      classify: wishes.classify ?? ((reply) => (reply.startsWith('5') ? 10 : 70)),
      bounce: async (mail, attempt, quiet) => {
        if (this.keepAttempts) this.failures.push({ mail, attempt, quiet });
        this.supply.release(mail);
      },
      log: (level, text) => void this.logs.push(`${level}: ${text}`),
      ...(wishes.connect && { connect: wishes.connect }),
      ...(wishes.tlsWent && { tlsWent: wishes.tlsWent }),
      ...(wishes.confirm && { confirm: wishes.confirm }),
    });
    this.supply.carrier = this.delivery;
  }

  place(domain: string, group = 'default', binding = 'default'): Place {
    return this.places.of(group, binding, domain);
  }

  /** Queues mail to these recipients, all of one reception. */
  send(recipients: readonly string[], where?: Place, wishes: string | CopyWishes = {}): Copy[] {
    const copies = makeCopies(recipients, typeof wishes === 'string' ? { body: wishes } : wishes);
    for (const copy of copies) {
      copy.place = where ?? this.place(copy.recipient.domain);
      copy.ticket = this.#tickets++;
    }
    this.supply.insert(...copies);
    return copies;
  }

  /** Resolves when so many attempts have been told. */
  async until(attempts: number, deadlineMs = 10_000): Promise<readonly Attempt[]> {
    await eventually(
      () => this.attempts.length >= attempts,
      deadlineMs,
      () => `${this.attempts.length} of ${attempts} attempts`,
    );
    return this.attempts;
  }

  #hear(attempt: Attempt): void {
    if (this.keepAttempts) this.attempts.push(attempt);
    else this.supply.forgetHistory();
    for (const tell of this.told) tell(attempt);
  }

  async stop(): Promise<void> {
    await this.delivery.stop(AbortSignal.timeout(5000));
    this.watch.stop();
  }
}

/** One handler in place of a chain: one that throws is skipped and counted, as chains do. */
function countingFaults<T>(handler: (mail: Mail) => T) {
  const placed = { errors: 0 };
  const run = (mail: Mail): T | undefined => {
    try {
      return handler(mail);
    } catch {
      placed.errors++;
      return undefined;
    }
  };
  return { placed: [placed], run };
}

export async function makeRoom(wishes: RoomWishes): Promise<Room> {
  return new Room(await snapshotOf(wishes.config ?? ''), wishes);
}

function routeOf(given: Route | readonly Partial<RankedHop>[] | undefined): Route {
  if (given === undefined) return { problem: '454 4.4.4 [internal] no MX or A for domain', permanent: false, lookupFailed: false };
  if (!Array.isArray(given)) return given as Route;
  const hops = (given as readonly Partial<RankedHop>[]).map((hop, i) => ({
    ip: '127.0.0.1',
    port: 25,
    name: `mx${i}.test`,
    preference: 10,
    ...hop,
  }));
  return { hops, expiresAt: Number.MAX_SAFE_INTEGER, from: 'routes' };
}

/** Waits in real time until something is so. */
export async function eventually(isSo: () => boolean, deadlineMs = 10_000, what: () => string = () => 'nothing'): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what()}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
