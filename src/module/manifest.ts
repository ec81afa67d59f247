/** What a module says of itself before any of its code runs, and what the core lends it when it does. */
import type { Option, Options, Values } from '../config/option.js';
import type { GlobalValues, InboundValues, OutboundValues } from '../config/snapshot.js';
import type { Handler, Hook, Order, Where } from './hook.js';
import type { Hooks } from './hooks.js';
import type { Agent, AuthScheme, Codec, IoScheme } from './io.js';
import type { Mail } from './message.js';
import type { PlaceParts } from './place.js';
import type { Level } from './reports.js';
import type { Service } from './service.js';
import type { Session } from './session.js';
import type { Verdict } from './verdict.js';

export type { Option, Options, Values };

/** Named sub-stanzas a module understands; they may nest. */
export interface Blocks {
  readonly [kind: string]: Options | { readonly options: Options; readonly blocks: Blocks };
}

type OwnOf<B> = B extends { options: infer O extends Options } ? O : B extends Options ? B : never;

/** Why a module cannot run with what it was given. */
export interface Objection {
  readonly option?: string;
  /** One sentence for the operator. */
  readonly say: string;
  /** `warning` lets the module run. */
  readonly level?: 'error' | 'warning';
}

/** Things with a name that a module puts at everybody's disposal. Static, so that what needs them can load the module. */
export interface Offers {
  io: IoScheme;
  codec: Codec;
  agent: Agent;
  auth: AuthScheme;
}

export interface Manifest<
  Own extends Options = Options,
  Scoped extends Options = Options,
  B extends Blocks = Blocks,
  S extends Blocks = Blocks,
> {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly singleton?: boolean;
  readonly autoload?: boolean;
  readonly cluster?: boolean;
  /** Can be switched off for one connection by the context key `__bypass_<name>`. */
  readonly validates?: boolean;
  /** Modules that must run before this one. */
  readonly needs?: readonly string[];
  /** Modules that are registered before this one where they run at all. */
  readonly after?: readonly string[];
  /** Options of the module's own stanza. */
  readonly options: Own;
  /** Sub-stanzas with a name of their own inside the module's stanza. */
  readonly blocks?: B;
  /** Options the module adds to core scopes. */
  readonly scoped?: Scoped;
  /** Top-level stanzas the module owns. */
  readonly stanzas?: S;
  /** Blocks it puts into another module's stanza or a core scope, by that stanza's name. */
  readonly inside?: Readonly<Record<string, Blocks>>;
  readonly offers?: { readonly [K in keyof Offers]?: readonly string[] };
  /** Says what is wrong with the options together; `stanzas` names the module of every module stanza there is. Pure, runs at `check`. */
  check?(own: Values<Own>, core: GlobalValues, stanzas: readonly string[]): readonly Objection[];
  /**
   * The same for its options in a scope of the core that sets one of them, with what the scopes around it set;
   * `core` tells what is written there for an option of the core. Pure, runs at `check`.
   */
  checkScope?(written: Partial<Values<Scoped>>, core: (option: string) => unknown): readonly Objection[];
  /** Starts an instance. May refuse; nothing it registered is then kept. */
  register(ctx: Context<Own, Scoped, B, S>): void | Objection | Promise<void | Objection>;
}

/** A row of a console answer. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

export interface Command {
  /** One sentence for help. */
  readonly doc: string;
  /** How the arguments are written, e.g. "MID". */
  readonly args?: string;
  /** Changes something: accounted, and refused to read-only roles. */
  readonly writes?: boolean;
  /** How the answers of several workers become one. */
  readonly merge?: 'rows' | 'sum' | 'one';
  run(args: readonly string[], signal: AbortSignal): readonly Row[] | string | undefined | Promise<readonly Row[] | string | undefined>;
}

/** A bounded cache with times to live, shown and emptied on the console. */
export interface Cache<V> {
  /** The value of a key; made once when several ask at the same time. A rejection is remembered for the miss time. */
  get(key: string, make: () => Promise<V>): Promise<V>;
  /** What is there now, without making it. */
  peek(key: string): V | undefined;
  clear(): number;
  readonly size: number;
}

export interface HandlerOptions {
  readonly order?: Order;
  readonly timeoutSeconds?: number;
  readonly onError?: Verdict;
  readonly where?: Where;
}

export interface Context<
  Own extends Options = Options,
  Scoped extends Options = Options,
  B extends Blocks = Blocks,
  S extends Blocks = Blocks,
> {
  /** Name of this instance. */
  readonly name: string;
  readonly options: Values<Own>;
  /** Aborted when the instance stops. */
  readonly signal: AbortSignal;
  blocks<K extends keyof B>(kind: K): ReadonlyMap<string, Values<OwnOf<B[K]>>>;
  stanzas<K extends keyof S>(kind: K): ReadonlyMap<string, Values<OwnOf<S[K]>>>;
  /** The module's own scoped options at a place, for a mail or for a session. */
  at(where: PlaceParts | Mail | Session): Values<Scoped>;
  /** Core options of delivery at a place or for a mail. */
  core(where: PlaceParts | Mail): OutboundValues;
  /** Core options of reception for a session. */
  inbound(session: Session): InboundValues;
  /** Wall milliseconds. */
  now(): number;
  /** Milliseconds that never go backwards; only differences mean anything. */
  mono(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  on<K extends keyof Hooks>(hook: K, handler: Handler<Hooks[K]>, how?: HandlerOptions): void;
  on<H extends Hook>(hook: H, handler: Handler<H>, how?: HandlerOptions): void;
  tell<A extends readonly unknown[]>(hook: Hook<'tell', A, void>, ...args: A): void;
  use<T>(service: Service<T>): T;
  provide<T>(service: Service<T>, offered: T): void;
  offer<K extends keyof Offers>(kind: K, name: string, thing: Offers[K]): void;
  command(name: string, command: Command): void;
  /** Runs `task` every so many seconds until the instance stops; never two at once. */
  every(seconds: () => number, task: (signal: AbortSignal) => void | Promise<void>, where?: Where): void;
  cache<V>(name: string, entries: number, secondsToLive: { readonly hit: number; readonly miss: number }): Cache<V>;
  /** One count over all workers. */
  tally(name: string): { add(n: number): void; read(): Promise<number> };
  count(name: string, labels?: Readonly<Record<string, string>>): void;
  /** Something that outlives a reload: opened once per key, closed when no instance holds it any more. */
  hold<T>(key: string, open: () => T, close: (held: T) => void): T;
  /** Reads a whole file named in the configuration. */
  readFile(path: string): Promise<Buffer>;
  log(level: Level, text: string): void;
}

/** Declares a module. The types of its options, blocks and stanzas follow from the declaration. */
export const defineModule = <Own extends Options, Scoped extends Options = {}, B extends Blocks = {}, S extends Blocks = {}>(
  manifest: Manifest<Own, Scoped, B, S>,
): Manifest<Own, Scoped, B, S> => Object.freeze(manifest);
