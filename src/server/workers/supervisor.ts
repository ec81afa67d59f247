/**
 * Several workers as one daemon: binds the sockets, holds the lock and the permits, starts workers and starts them anew. It reads
 * nothing from the network and keeps its identity. Long: all that is said between the processes is answered here.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type Loaded, textsOf } from '../../config/include.js';
import type { Snapshot } from '../../config/snapshot.js';
import type { Answer } from '../../console/frame.js';
import { type Clock, systemClock, type Timer } from '../../kernel/clock.js';
import { declareProblems } from '../../kernel/problems.js';
import type { LogRecord } from '../../module/reports.js';
import type { BoundSocket } from '../../net/bind.js';
import { socketsOf, type Turned, type WantedSocket } from '../../smtp/server/listener.js';
import { lockSpool } from '../../spool/lock.js';
import { Journal } from '../journal.js';
import { gatherReleased, NO_ORDERS, type Orders } from '../orders.js';
import { type Reloadable, reload } from '../reload.js';
import { Crowd } from './crowd.js';
import { LeaseOffice } from './lease-office.js';
import { Line } from './line.js';
import { type Holder, Post, spawnWorker } from './post.js';
import { BoundSockets } from './sockets.js';
import { Turns } from './turns.js';
import type { Start, SupervisorVerbs, WorkerVerbs } from './verbs.js';

export const problems = declareProblems('worker', {
  FAILED: { text: 'a worker could not begin: %s', doc: 'The reason stands behind it; the daemon does not start with fewer workers.' },
  REFUSED: { text: 'worker %s refused the configuration: %s', doc: 'All workers stay with the old configuration.' },
});

const BEAT_MS = 1000;
/** A worker that is being started may be silent for so long. */
const START_LIMIT_MS = 60_000;
/** A worker that does not end within its own limit is ended this much later. */
const STOP_LIMIT_MS = 130_000;
/** Answers of workers to the console are waited for so long. */
const ASK_LIMIT_MS = 10_000;

export interface SupervisorOptions {
  readonly file: string;
  readonly snapshot: Snapshot;
  readonly loaded: Loaded;
  readonly workers: number;
  /** Command line of a worker. */
  readonly command: readonly string[];
}

export class Supervisor implements Reloadable {
  readonly file: string;
  readonly journal: Journal;
  readonly #clock: Clock = systemClock;
  readonly #command: readonly string[];
  readonly #lock: { readonly descriptor: number; release(): void };
  readonly #sockets = new BoundSockets();
  readonly #office: LeaseOffice;
  readonly #posts: readonly Post[];
  readonly #ticketKeys = randomBytes(48);
  readonly #tallies = new Map<string, number>();
  readonly #turns = new Turns();
  readonly #crowd = new Crowd();
  #orders = NO_ORDERS;
  /** Senders released while nobody held a post, by post: its part of the spool still has their mail set aside. */
  readonly #missed = new Map<Post, readonly string[]>();
  #snapshot: Snapshot;
  #texts: ReadonlyMap<string, string>;
  /** Path of the main file among the texts. */
  #main: string;
  /** Sockets that the console switched, by listener and name, until the next configuration. */
  readonly #turned = new Map<string, Turned>();
  /** One switch at a time: the second finds what the first did. */
  #turning: Promise<void> = Promise.resolve();
  #stopping = false;
  /** Between two workers nothing else may keep the process alive. */
  readonly #alive = setInterval(() => {}, 60_000);
  #beat: Timer | undefined;
  #stopAsked: () => void = () => {};
  #told: () => void = () => {};

  private constructor(options: SupervisorOptions, lock: { readonly descriptor: number; release(): void }) {
    this.file = options.file;
    this.#command = options.command;
    this.#snapshot = options.snapshot;
    this.#texts = textsOf(options.loaded);
    this.#main = options.loaded.main.path;
    this.#lock = lock;
    this.journal = new Journal(this.#clock);
    this.#office = new LeaseOffice(this.#clock);
    this.#posts = Array.from({ length: options.workers }, (_, number) => new Post(number));
    this.journal.tell = (record) => this.#passOn(record);
  }

  /** Binds, starts all workers, and resolves when every one of them serves. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const lock = lockSpool(path.resolve(options.snapshot.global.spoolbase));
    const supervisor = new Supervisor(options, lock);
    try {
      await supervisor.#sockets.bind(socketsOf(options.snapshot.listeners('esmtp_listener'), options.snapshot));
      await supervisor.#startAll();
      return supervisor;
    } catch (error) {
      await supervisor.stop(AbortSignal.abort());
      throw error;
    }
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Who they run as, and where they serve. */
  describe(): { readonly user: string; readonly sockets: readonly string[]; readonly pids: readonly number[] } {
    const [first] = this.#posts;
    return {
      user: first?.holder?.user ?? '',
      sockets: first?.holder?.serves ?? [],
      pids: this.#posts.map(({ pid }) => pid),
    };
  }

  /** `stopped` is called when the console asks the daemon to end. */
  onStopAsked(stopped: () => void): void {
    this.#stopAsked = stopped;
  }

  /** What a stop waits for, in words. */
  waits(): readonly string[] {
    return this.#posts.flatMap(({ number, holder }) => (holder?.waits ?? []).map((wait) => `${wait} of worker ${number}`));
  }

  reopenLogs(): void {
    for (const holder of this.#holders()) holder.line.tell('reopenLogs', null);
  }

  /** Puts a configuration in force in all workers; when one refuses, those that had it go back to the old one. */
  async adopt(next: Snapshot, loaded: Loaded): Promise<void> {
    const wanted = socketsOf(next.listeners('esmtp_listener'), next);
    const fresh = await this.#sockets.bind(wanted);
    for (const { line } of this.#holders()) for (const [address, { handle }] of fresh) line.tell('socket', { address }, handle);
    const texts = textsOf(loaded);
    const asked = this.#posts.flatMap(({ number, holder }) => (holder?.ready ? [{ number, holder }] : []));
    const results = await Promise.allSettled(
      asked.map(({ holder }) => holder.line.ask('adopt', { file: loaded.main.path, texts, snapshot: next.number })),
    );
    const refusal = results.findIndex(({ status }) => status === 'rejected');
    const refused = results[refusal];
    if (refused?.status === 'rejected') {
      const old = { file: this.#main, texts: this.#texts, snapshot: this.#snapshot.number };
      await Promise.allSettled(
        asked.filter((_, i) => results[i]?.status === 'fulfilled').map(({ holder }) => holder.line.ask('adopt', old)),
      );
      this.#sockets.keep(socketsOf(this.#snapshot.listeners('esmtp_listener'), this.#snapshot));
      throw problems.REFUSED(String(asked[refusal]?.number), refused.reason instanceof Error ? refused.reason.message : '');
    }
    this.#sockets.keep(wanted);
    this.#turned.clear();
    this.#snapshot = next;
    this.#texts = texts;
    this.#main = loaded.main.path;
    for (const { holder } of asked) holder.snapshot = next.number;
    this.#office.broker.reloaded();
    for (const holder of this.#holders()) this.#bringUp(holder);
  }

  /** Binds, or gives up, the sockets of a listener; every worker asks the same, and then does its own part. */
  async #turn(on: boolean, stanza: string, listen: string | undefined): Promise<void> {
    const all = socketsOf(this.#snapshot.listeners('esmtp_listener'), this.#snapshot);
    const meant = all.filter(({ door }) => door.stanza === stanza && (listen ?? door.listen) === door.listen);
    const fresh = on ? await this.#sockets.bind(meant.map((each) => ({ ...each, enabled: true }))) : new Map<string, BoundSocket>();
    for (const { line } of this.#holders()) for (const [address, { handle }] of fresh) line.tell('socket', { address }, handle);
    for (const each of meant) this.#turned.set(keyOf(each), { on, stanza: each.door.stanza, listen: each.door.listen });
    this.#sockets.keep(all.map((each) => ({ ...each, enabled: this.#turned.get(keyOf(each))?.on ?? each.enabled })));
  }

  /** A worker that was starting while a configuration came into force has the one before. */
  #bringUp(holder: Holder): void {
    const { number } = this.#snapshot;
    if (!holder.ready || holder.snapshot === number) return;
    holder.snapshot = number;
    for (const [address, handle] of this.#sockets.missing(holder.sockets)) holder.line.tell('socket', { address }, handle);
    holder.line.ask('adopt', { file: this.#main, texts: this.#texts, snapshot: number }).catch((error: unknown) => {
      // Started anew it begins with the new one.
      this.journal.say('error', 'config', `worker ${holder.child.pid} could not follow and is started anew`, error);
      holder.child.kill('SIGKILL');
    });
  }

  /** Ends all workers in order; resolves when the last is gone. The signal ends every wait. */
  async stop(limit: AbortSignal): Promise<void> {
    this.#stopping = true;
    this.#sockets.close();
    for (const holder of this.#holders()) holder.line.tell('stop', { now: limit.aborted });
    const hurry = (): void => {
      for (const holder of this.#holders()) holder.line.tell('stop', { now: true });
    };
    limit.addEventListener('abort', hurry, { once: true });
    const late = this.#clock.after(limit.aborted ? 5000 : STOP_LIMIT_MS, () => {
      for (const { child } of this.#holders()) child.kill('SIGKILL');
    });
    while (this.#posts.some(({ holder }) => holder)) await new Promise<void>((done) => (this.#told = done));
    late.cancel();
    limit.removeEventListener('abort', hurry);
    this.#beat?.cancel();
    clearInterval(this.#alive);
    this.#lock.release();
  }

  async #startAll(): Promise<void> {
    for (const post of this.#posts) this.#fill(post);
    this.#listen();
    for (;;) {
      const failed = this.#posts.find(({ holder }) => holder?.failure !== undefined || !holder);
      if (failed) throw problems.FAILED(failed.holder?.failure ?? `worker ${failed.number} ended`);
      if (this.#posts.every(({ holder }) => holder?.ready)) return;
      await new Promise<void>((done) => (this.#told = done));
    }
  }

  *#holders(): Generator<Holder> {
    for (const { holder } of this.#posts) if (holder) yield holder;
  }

  #fill(post: Post): void {
    const { child, channel, sockets } = spawnWorker(this.#command, this.#lock.descriptor, this.#sockets.list());
    const line: Line<WorkerVerbs> = new Line<WorkerVerbs>(
      channel,
      this.#verbsFor(post, () => holder),
    );
    const customer = this.#office.join((answer) => line.tell('lease', [answer]));
    const holder: Holder = {
      child,
      line,
      customer,
      sockets,
      snapshot: 0,
      heardAt: this.#clock.mono(),
      ready: false,
      waits: [],
      user: '',
      serves: [],
      failure: undefined,
    };
    post.holder = holder;
    child.on('error', (error) => {
      holder.failure ??= error.message;
      if (child.pid === undefined) this.#bury(post, holder, error.message);
    });
    // Not `exit`: what it said last may still be under way then.
    child.on('close', (status, signal) => this.#bury(post, holder, signal ?? `status ${status}`));
  }

  #verbsFor(post: Post, own: () => Holder): SupervisorVerbs {
    return {
      enlist: () => this.#makeStart(post, own()),
      takeTurn: () => this.#turns.take(post),
      endTurn: () => this.#turns.end(post),
      ready: ({ user, sockets }) => {
        Object.assign(own(), { ready: true, user, serves: sockets, heardAt: this.#clock.mono() });
        this.#bringUp(own());
        this.#lead();
        this.#told();
      },
      failed: ({ text }) => {
        own().failure = text;
        this.#told();
      },
      beat: ({ waits }) => Object.assign(own(), { waits, heardAt: this.#clock.mono() }),
      lease: (asks) => own().customer.take(asks),
      pass: (told) => this.#leader()?.holder?.line.tell('hear', told),
      enter: (arrival) => this.#crowd.enter(own(), arrival),
      leave: (arrival) => this.#crowd.leave(own(), arrival),
      add: ({ tally, n }) => void this.#tallies.set(tally, (this.#tallies.get(tally) ?? 0) + n),
      read: ({ tally }) => this.#tallies.get(tally) ?? 0,
      reload: ({ file }) => reload(this, file),
      turn: ({ on, stanza, listen }) => (this.#turning = this.#turning.catch(() => {}).then(() => this.#turn(on, stanza, listen))),
      stop: () => this.#stopAsked(),
      ask: ({ command }) => this.#askOthers(post, command),
      waits: () => this.waits(),
      keep: (orders) => this.#keep(own(), orders),
    };
  }

  #makeStart(post: Post, holder: Holder): Start {
    const { sockets } = holder;
    holder.snapshot = this.#snapshot.number;
    const released = this.#missed.get(post) ?? [];
    this.#missed.delete(post);
    return {
      number: post.number,
      workers: this.#posts.length,
      pid: process.pid,
      file: this.#main,
      texts: this.#texts,
      snapshot: this.#snapshot.number,
      sockets,
      ticketKeys: this.#ticketKeys,
      turned: [...this.#turned.values()],
      leads: this.#leader() === post,
      onProbation: post.deaths.onProbation,
      orders: { ...this.#orders, released },
    };
  }

  /** The first that lives; before one does, the first of all. */
  #leader(): Post | undefined {
    return this.#posts.find(({ holder }) => holder?.ready) ?? this.#posts[0];
  }

  #lead(): void {
    const leader = this.#leader();
    for (const post of this.#posts) post.holder?.line.tell('lead', { leads: post === leader });
  }

  /** A worker that is being started, which no command reaches, hears of it this way. */
  #keep(teller: Holder, orders: Orders): void {
    this.#orders = { ...orders, released: [] };
    for (const post of this.#posts) {
      const { holder } = post;
      if (!holder) this.#missed.set(post, gatherReleased(this.#missed.get(post), orders));
      else if (holder !== teller) holder.line.tell('follow', orders);
    }
  }

  async #askOthers(asking: Post, command: string): Promise<readonly Answer[]> {
    const others = this.#posts.filter((post) => post !== asking);
    return Promise.all(
      others.map(async ({ number, holder }): Promise<Answer> => {
        if (!holder?.ready) return { id: 0, ok: false, text: `Worker ${number} is being started.` };
        try {
          return await holder.line.ask('run', { command }, ASK_LIMIT_MS);
        } catch (error) {
          return { id: 0, ok: false, text: `Worker ${number}: ${error instanceof Error ? error.message : ''}` };
        }
      }),
    );
  }

  /** A worker is gone: what it leased comes back, and somebody takes its post. */
  #bury(post: Post, holder: Holder, how: string): void {
    if (post.holder !== holder) return;
    post.holder = undefined;
    holder.line.close();
    holder.customer.leave();
    this.#crowd.forget(holder);
    this.#turns.end(post);
    this.#told();
    if (this.#stopping) return;
    const pid = holder.child.pid ?? 0;
    if (holder.failure !== undefined) this.journal.say('error', 'daemon', `worker ${post.number} could not begin: ${holder.failure}`);
    const { delayMs, onProbation } = post.deaths.count(this.#clock.mono());
    this.journal.say('critical', 'daemon', `worker ${post.number}, pid ${pid}, ended (${how}); started anew in ${delayMs} ms`);
    if (onProbation)
      this.journal.say('critical', 'daemon', `worker ${post.number} is on probation: its mail goes one message at a time, under a mark`);
    this.#lead();
    this.#clock.after(delayMs, () => {
      if (!this.#stopping && !post.holder) this.#fill(post);
    });
  }

  /** Looks after the workers once a second. */
  #listen(): void {
    this.#beat = this.#clock.after(BEAT_MS, () => {
      const now = this.#clock.mono();
      const limitMs = this.#snapshot.global.watchdog_interval * 1000;
      for (const post of this.#posts) {
        const { holder } = post;
        if (!holder) continue;
        // Before it serves it may be busy for long at one time.
        const mostMs = holder.ready ? limitMs : Math.max(limitMs, START_LIMIT_MS);
        if (limitMs > 0 && now - holder.heardAt > mostMs) this.#endSilent(post, holder, now);
        else if (holder.ready && post.deaths.forgive(now)) {
          this.journal.say('notice', 'daemon', `worker ${post.number} is trusted again`);
          holder.line.tell('trust', null);
        }
      }
      this.#listen();
    });
  }

  #endSilent({ number, pid }: Post, { child, heardAt, waits }: Holder, now: number): void {
    const silent = Math.round((now - heardAt) / 1000);
    const doing = waits.length === 0 ? '' : `; when it was last heard it had ${waits.join(', ')}`;
    this.journal.say(
      'critical',
      'daemon',
      `worker ${number}, pid ${pid}, gave no sign of life for ${silent} s and is ended (${stateOf(pid)}${doing})`,
    );
    child.kill('SIGKILL');
  }

  /** Our own words go to the panic logs too, by way of a worker. */
  #passOn(record: LogRecord): void {
    this.#leader()?.holder?.line.tell('record', record);
  }
}

/** What the system knows of a process: running, sleeping, waiting for a disk, stopped; and its memory. */
function stateOf(pid: number): string {
  try {
    const words = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    const of = (name: string): string => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(words)?.[1] ?? '?';
    return `state ${of('State')}, memory ${of('VmRSS')}`;
  } catch {
    return 'its state is unknown';
  }
}

const keyOf = ({ door }: WantedSocket): string => `${door.stanza}\n${door.listen}`;
