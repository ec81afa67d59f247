/** A running instance of a module: the context it was given and everything it registered. */
import { sleep } from '../kernel/clock.js';
import { type CacheBook, NamedCache } from './cache.js';
import type { Holds } from './holds.js';
import type { Handler, Hook, Where } from './hook.js';
import { type HookName, type Hooks, hooks } from './hooks.js';
import { type Lends, type OptionValues, placeOf } from './lends.js';
import type { Cache, Command, Context, HandlerOptions, Offers } from './manifest.js';
import type { Mail } from './message.js';
import type { PlaceParts } from './place.js';
import { Latency, type Placed } from './placed.js';
import type { Plan } from './plan.js';
import { problems } from './problems.js';
import type { Level } from './reports.js';
import type { Service } from './service.js';
import type { Session } from './session.js';

/** What instances of one generation share. */
export interface Shared {
  readonly lends: Lends;
  readonly holds: Holds;
  readonly caches: CacheBook;
  readonly services: Map<string, unknown>;
  readonly tallies: Map<string, number>;
  tell(hook: Hook, args: readonly unknown[]): void;
}

interface Periodic {
  readonly seconds: () => number;
  readonly task: (signal: AbortSignal) => void | Promise<void>;
  readonly where: Where;
}

const keyOf = (service: Service<unknown>): string => `${service.module}/${service.name}`;

const LEVELS: readonly Level[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical'];

export class Instance implements Context {
  readonly plan: Plan;
  readonly handlers: Placed[] = [];
  readonly commands = new Map<string, Command>();
  readonly offers: { kind: keyof Offers; name: string; thing: unknown }[] = [];
  readonly #abort = new AbortController();
  readonly #shared: Shared;
  readonly #periodic: Periodic[] = [];

  constructor(plan: Plan, shared: Shared) {
    this.plan = plan;
    this.#shared = shared;
  }

  get name(): string {
    return this.plan.instance;
  }

  /** How logs and the console call it: `module` or `module:instance`. */
  get title(): string {
    const { manifest, instance } = this.plan;
    return manifest.singleton || instance === manifest.name ? manifest.name : `${manifest.name}:${instance}`;
  }

  get options(): OptionValues {
    return this.plan.options;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  blocks(kind: PropertyKey): ReadonlyMap<string, never> {
    // What a kind's options are follows from the manifest that its module was written with.
    return (this.plan.blocks.get(String(kind)) ?? new Map()) as ReadonlyMap<string, never>;
  }

  stanzas(kind: PropertyKey): ReadonlyMap<string, never> {
    return (this.plan.stanzas.get(String(kind)) ?? new Map()) as ReadonlyMap<string, never>;
  }

  at(where: PlaceParts | Mail | Session): OptionValues {
    return this.#shared.lends.scoped(this.plan.manifest.name, 'peer' in where ? where : placeOf(where));
  }

  core(where: PlaceParts | Mail) {
    return this.#shared.lends.outbound(placeOf(where));
  }

  inbound(session: Session) {
    return this.#shared.lends.inbound(session);
  }

  now(): number {
    return this.#shared.lends.clock.now();
  }

  mono(): number {
    return this.#shared.lends.clock.mono();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return sleep(this.#shared.lends.clock, ms, signal);
  }

  on<K extends HookName>(hook: K, handler: Handler<Hooks[K]>, how?: HandlerOptions): void;
  on<H extends Hook>(hook: H, handler: Handler<H>, how?: HandlerOptions): void;
  on(hook: HookName | Hook, handler: unknown, how: HandlerOptions = {}): void {
    const declared: Hook = typeof hook === 'string' ? hooks[hook] : hook;
    const run = handler as Placed['run'];
    if (declared.kind === 'tell' && run.constructor.name === 'AsyncFunction') throw problems.ASYNC_TELL(this.title, declared.name);
    const { manifest, onError, timeoutSeconds } = this.plan;
    const { joint } = this.#shared.lends;
    const isOnce = declared.kind === 'tell' && how.where === 'once' && joint !== undefined;
    // The same module registers in the same order everywhere, so its place tells a handler.
    const key = `${this.title}/${declared.name}/${this.handlers.length}`;
    this.handlers.push({
      owner: manifest.name,
      instance: this.name,
      hook: declared,
      order: how.order ?? 'normal',
      where: how.where ?? 'here',
      run: isOnce ? (...args) => (joint.leads() ? run(...args) : joint.pass(key, args.slice(0, declared.arity))) : run,
      ...(isOnce && { once: { key, run } }),
      onError: 'onError' in how ? how.onError : onError,
      limitMs: 1000 * (how.timeoutSeconds ?? timeoutSeconds),
      bypass: `__bypass_${manifest.name}`,
      calls: 0,
      errors: 0,
      latency: new Latency(),
    });
  }

  tell<A extends readonly unknown[]>(hook: Hook<'tell', A, void>, ...args: A): void {
    this.#shared.tell(hook, args);
  }

  use<T>(service: Service<T>): T {
    const { lends, services } = this.#shared;
    const found = service.module === 'core' ? lends.service(service) : services.get(keyOf(service));
    if (found === undefined) throw problems.NO_SERVICE(this.title, service.name, service.module);
    // The token carries the type of what was provided under it.
    return found as T;
  }

  provide<T>(service: Service<T>, offered: T): void {
    this.#shared.services.set(keyOf(service), offered);
  }

  offer<K extends keyof Offers>(kind: K, name: string, thing: Offers[K]): void {
    if (!this.plan.manifest.offers?.[kind]?.includes(name)) throw problems.OFFER_UNDECLARED(this.title, kind, name);
    this.offers.push({ kind, name, thing });
  }

  command(name: string, command: Command): void {
    this.commands.set(name, command);
  }

  every(seconds: () => number, task: (signal: AbortSignal) => void | Promise<void>, where: Where = 'here'): void {
    this.#periodic.push({ seconds, task, where });
  }

  cache<V>(name: string, entries: number, secondsToLive: { readonly hit: number; readonly miss: number }): Cache<V> {
    const cache = new NamedCache<V>(entries, secondsToLive, this.#shared.lends.clock);
    this.#shared.caches.add(`${this.title}/${name}`, cache, this);
    return cache;
  }

  tally(name: string): { add(n: number): void; read(): Promise<number> } {
    const { tallies, lends } = this.#shared;
    const key = `${this.title}/${name}`;
    const { joint } = lends;
    if (joint) return { add: (n) => joint.add(key, n), read: () => joint.read(key) };
    return {
      add: (n) => void tallies.set(key, (tallies.get(key) ?? 0) + n),
      read: async () => tallies.get(key) ?? 0,
    };
  }

  count(name: string, labels: Readonly<Record<string, string>> = {}): void {
    this.#shared.lends.count(`${this.plan.manifest.name}_${name}`, labels);
  }

  hold<T>(key: string, open: () => T, close: (held: T) => void): T {
    return this.#shared.holds.hold(this, `${this.title}/${key}`, open, close);
  }

  readFile(path: string): Promise<Buffer> {
    return this.#shared.lends.readFile(path);
  }

  log(level: Level, text: string): void {
    const least = this.plan.options.debug_level;
    if (typeof least === 'string' && LEVELS.indexOf(level) < LEVELS.indexOf(least.toLowerCase() as Level)) return;
    this.#shared.lends.logged({ at: this.now(), level, module: this.title, text });
  }

  /** Its periodic tasks begin. */
  start(): void {
    for (const periodic of this.#periodic) this.#schedule(periodic);
  }

  /** Ends its tasks and gives back what it held. Answers the errors of closing. */
  stop(): unknown[] {
    this.#abort.abort();
    this.#shared.caches.removeAllOf(this);
    return this.#shared.holds.letGo(this);
  }

  #schedule(periodic: Periodic): void {
    if (this.signal.aborted) return;
    const seconds = periodic.seconds();
    // Zero switches the task off; it is looked at again, since the option may change.
    const ms = seconds > 0 ? 1000 * seconds : 60_000;
    const timer = this.#shared.lends.clock.after(ms, () => {
      this.signal.removeEventListener('abort', cancel);
      void this.#runOnce(periodic, seconds > 0).then(() => this.#schedule(periodic));
    });
    const cancel = () => timer.cancel();
    this.signal.addEventListener('abort', cancel, { once: true });
  }

  async #runOnce(periodic: Periodic, wanted: boolean): Promise<void> {
    if (!wanted || this.signal.aborted) return;
    if (periodic.where === 'once' && this.#shared.lends.joint?.leads() === false) return;
    try {
      await periodic.task(this.signal);
    } catch (error) {
      this.log('error', `a periodic task failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
