/** Instances from prepare to stop: a new generation is built aside, replaces the old one whole, or leaves no trace. */
import { CodedError } from '../kernel/problems.js';
import { CacheBook } from './cache.js';
import { unpack } from './carry.js';
import { Holds } from './holds.js';
import { HookSet } from './hook-set.js';
import { Instance, type Shared } from './instance.js';
import type { Lends } from './lends.js';
import type { Command, Offers } from './manifest.js';
import { orderPlans, type Plan } from './plan.js';
import { problems } from './problems.js';

const START_LIMIT_MS = 30_000;

/** All instances of one configuration and what they brought. */
export interface Generation {
  readonly hooks: HookSet;
  readonly instances: readonly Instance[];
  /** By full console name, e.g. "ec_logger:main reopen logs". */
  readonly commands: ReadonlyMap<string, { readonly instance: Instance; readonly command: Command }>;
  offer<K extends keyof Offers>(kind: K, name: string): Offers[K] | undefined;
}

export class Registry {
  readonly caches = new CacheBook();
  readonly #lends: Lends;
  readonly #holds = new Holds();
  readonly #tallies = new Map<string, number>();
  #current: Generation;

  constructor(lends: Lends) {
    this.#lends = lends;
    this.#current = makeGeneration([], lends);
  }

  /** The generation in force. */
  get current(): Generation {
    return this.#current;
  }

  /** Registers every plan into a generation of its own. On a refusal everything begun is undone and the problem thrown. */
  async prepare(plans: readonly Plan[]): Promise<Generation> {
    for (const plan of plans) {
      const missing = plan.manifest.needs?.find((need) => !plans.some((other) => other.manifest.name === need));
      if (missing !== undefined) throw problems.NEEDS(plan.manifest.name, missing);
    }
    const shared: Shared = {
      lends: this.#lends,
      holds: this.#holds,
      caches: this.caches,
      services: new Map(),
      tallies: this.#tallies,
      tell: (hook, args) => this.#current.hooks.of(hook).run(...(args as [])),
    };
    const instances: Instance[] = [];
    try {
      for (const plan of orderPlans(plans)) {
        const instance = new Instance(plan, shared);
        instances.push(instance);
        await this.#register(instance);
      }
    } catch (error) {
      for (const instance of instances.reverse()) instance.stop();
      throw error;
    }
    const inFileOrder = plans.flatMap((plan) => instances.filter((instance) => instance.plan === plan));
    return makeGeneration(inFileOrder, this.#lends);
  }

  /** Puts a prepared generation in force and stops what was there. Answers errors of closing; nothing can refuse any more. */
  commit(next: Generation): unknown[] {
    const last = this.#current;
    this.#current = next;
    for (const instance of next.instances) {
      // Stored under the kind they were offered as.
      for (const { kind, name, thing } of instance.offers) this.#lends.offered?.(kind, name, thing as never);
      instance.start();
    }
    return stopAll(last.instances);
  }

  /** Gives up a prepared generation. */
  discard(prepared: Generation): void {
    stopAll(prepared.instances);
  }

  /** A handler of this process is told what another process has seen. Unknown keys are of a module that is gone. */
  hear(key: string, args: readonly unknown[]): void {
    for (const { handlers, plan } of this.#current.instances) {
      const placed = handlers.find(({ once }) => once?.key === key);
      if (!placed?.once || plan.passive) continue;
      placed.calls++;
      try {
        placed.once.run(...args.map((each) => unpack(each, (session) => this.#lends.inbound(session))));
      } catch (error) {
        placed.errors++;
        this.#lends.guard.failed(placed, error);
      }
    }
  }

  /** Stops everything, in reverse order of need. */
  stop(): unknown[] {
    return stopAll(this.#current.instances);
  }

  async #register(instance: Instance): Promise<void> {
    const { title } = instance;
    let late = (): void => {};
    const lateness = new Promise<never>((_, fail) => {
      late = () => fail(problems.LATE(title, String(START_LIMIT_MS / 1000)));
    });
    const timer = this.#lends.clock.after(START_LIMIT_MS, () => late());
    try {
      const objection = await Promise.race([Promise.resolve().then(() => instance.plan.manifest.register(instance)), lateness]);
      if (objection && objection.level !== 'warning') throw problems.REFUSED(title, objection.say);
      if (objection) instance.log('warning', objection.say);
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw problems.FAILED.because(error, title);
    } finally {
      timer.cancel();
    }
  }
}

/** Who needs others stops before them. */
function stopAll(instances: readonly Instance[]): unknown[] {
  const inOrder = orderPlans(instances.map(({ plan }) => plan)).flatMap((plan) => instances.filter((instance) => instance.plan === plan));
  return inOrder.reverse().flatMap((instance) => instance.stop());
}

function makeGeneration(instances: readonly Instance[], lends: Lends): Generation {
  const awake = instances.filter((instance) => !instance.plan.passive);
  const commands = new Map<string, { instance: Instance; command: Command }>();
  const offers = new Map<string, unknown>();
  for (const instance of instances) {
    for (const [name, command] of instance.commands) commands.set(`${instance.title} ${name}`, { instance, command });
    for (const { kind, name, thing } of instance.offers) offers.set(`${kind}/${name}`, thing);
  }
  return {
    hooks: new HookSet(
      awake.flatMap((instance) => instance.handlers),
      lends.guard,
    ),
    instances,
    commands,
    // Stored under the kind they were offered as.
    offer: (kind, name) => offers.get(`${kind}/${name}`) as never,
  };
}
