/** The one place where objects meet: a daemon from its configuration to its end. Long: what is opened here is closed here in reverse, and both are read together. */
import os from 'node:os';
import path from 'node:path';
import { CLASS } from '../bounce/classify.js';
import type { Snapshot } from '../config/snapshot.js';
import { Delivery } from '../deliver/delivery.js';
import type { HopRouter } from '../deliver/route.js';
import type { Resolver } from '../dns/resolver.js';
import { type Clock, systemClock } from '../kernel/clock.js';
import { IdSource } from '../kernel/ids.js';
import { collectGarbage } from '../kernel/memory.js';
import { nodeDisk } from '../kernel/node-disk.js';
import { Watch } from '../kernel/watch.js';
import type { Attempt } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import type { Later } from '../module/hook.js';
import type { Chains } from '../module/hook-set.js';
import type { Mail } from '../module/message.js';
import { DEFAULT_NAME, PlaceTable } from '../module/place.js';
import type { Plan } from '../module/plan.js';
import { Registry } from '../module/registry.js';
import { TlsContexts } from '../net/tls-contexts.js';
import { MailQueue } from '../queue/mail-queue.js';
import { Logins } from '../receive/auth.js';
import { InnerEntrance } from '../receive/entrance.js';
import type { ReceivePorts } from '../receive/ports.js';
import { type Pending, Receiver } from '../receive/receiver.js';
import { Transit } from '../receive/transit.js';
import type { Visits } from '../smtp/probe/visits.js';
import { certificatesOf, SmtpListeners, socketsOf } from '../smtp/server/listener.js';
import { SmtpService } from '../smtp/server/service.js';
import { checkOwner } from '../spool/owner.js';
import { findFolders } from '../spool/parts.js';
import { SegmentSpool } from '../spool/segment-spool.js';
import { attemptBySelf, classify, noticePlans, openClassifier } from './bounces.js';
import { loadManifests } from './built.js';
import { Counters, countingPlan } from './counters.js';
import { isWanted } from './debug-flags.js';
import { Gatehouse } from './gatehouse.js';
import { Journal } from './journal.js';
import { makeLends } from './lends.js';
import type { MemoryWatch } from './memory-watch.js';
import { followOrders } from './orders.js';
import { makePlans } from './plans.js';
import { makeLoginPorts, makeNotices, makeProbation, makeProbes, watchMemory } from './ports.js';
import { dropPrivileges } from './privileges.js';
import type { Probation } from './probation.js';
import { makeRouter, type Routing } from './router.js';
import { makeRules } from './rules.js';
import { type DaemonBroker, makeLoneSeat, type Seat } from './seat.js';
import type { TlsHouse } from './tls-house.js';
import { Traces } from './traces.js';
import { PRODUCT, VERSION } from './version.js';
import { WriterBook } from './writers.js';

/** An address of this machine. */
/** So many messages found at a start leave garbage that is worth a pause. */
const MANY = 50_000;

const isOwnAddress = (ip: string): boolean =>
  ip.startsWith('127.') || Object.values(os.networkInterfaces()).some((list) => list?.some(({ address }) => address === ip));

/** What is there before a daemon is. */
interface Made {
  readonly lock: { release(): void };
  readonly gate: Gatehouse;
  readonly listeners: SmtpListeners;
  readonly incarnation: number;
  readonly user: string;
  readonly seat: Seat;
}

export class Daemon {
  readonly clock: Clock = systemClock;
  readonly startedAt = Date.now();
  readonly journal: Journal;
  readonly watch = new Watch(this.clock);
  readonly places = new PlaceTable();
  readonly memory: MemoryWatch = watchMemory(this);
  readonly seat: Seat;
  readonly probation: Probation | undefined;
  readonly broker: DaemonBroker;
  readonly counters = new Counters(this.clock);
  readonly traces = new Traces(this.clock, (file, error) => this.journal.say('error', 'trace', `${file} cannot be written`, error));
  readonly contexts: TlsContexts;
  readonly writers: WriterBook;
  readonly classifier = openClassifier();
  readonly registry: Registry;
  readonly spool: SegmentSpool;
  readonly queue: MailQueue;
  readonly router: HopRouter;
  readonly resolver: Resolver;
  readonly tls: TlsHouse;
  readonly probes: Visits;
  readonly dnsSockets: Routing['dnsSockets'];
  readonly delivery: Delivery;
  readonly smtp: SmtpService<Pending>;
  readonly listeners: SmtpListeners;
  readonly entrance: InnerEntrance;
  readonly ids: IdSource;
  readonly file: string;
  readonly user: string;
  #snapshot: Snapshot;
  #rules: ReturnType<typeof makeRules>;
  readonly #lock: { release(): void };
  readonly #gate: Gatehouse;
  readonly #stopped = new AbortController();
  #recovery: Promise<void> = Promise.resolve();
  #stopping = false;
  #stopAsked: () => void = () => {};
  #observers: readonly Plan[] = [];

  private constructor(file: string, snapshot: Snapshot, made: Made & { spool: SegmentSpool }) {
    this.file = file;
    this.seat = made.seat;
    this.broker = made.seat.broker;
    this.journal = new Journal(this.clock, made.seat.team && made.seat.number);
    this.contexts = new TlsContexts(made.seat.ticketKeys);
    this.writers = new WriterBook(this.clock, this.journal);
    this.#snapshot = snapshot;
    this.#lock = made.lock;
    this.#gate = made.gate;
    this.listeners = made.listeners;
    this.spool = made.spool;
    this.user = made.user;
    this.ids = new IdSource(this.clock, made.incarnation);
    this.registry = new Registry(makeLends(this));
    this.#rules = makeRules(snapshot, this.chains);
    this.queue = new MailQueue({
      spool: this.spool,
      clock: this.clock,
      places: this.places,
      workers: made.seat.workers,
      snapshot: () => this.snapshot,
      schedule: (mail) => this.#atOnce('expiration', this.chains.expiration.run(mail)),
      nextAttempt: (mail, now) => this.#atOnce('next_attempt', this.chains.next_attempt.run(mail, now)),
      failed: (mail, reply, quiet) => this.#endMail(mail, reply, quiet),
      logged: () => this.writers.flush(),
      late: (mail) => {
        this.#tellPast(mail).catch((error: unknown) =>
          this.journal.say('error', 'bounce', `the notice that ${mail.id} is late could not be recorded`, error),
        );
      },
      usage: (limit) => this.broker.usage(limit),
      unreadable: (ticket, error) => this.journal.say('error', 'spool', `message ${this.spool.id(ticket)} cannot be read back`, error),
    });
    const ports = this.#receivePorts();
    const transit = new Transit(ports);
    this.entrance = new InnerEntrance(ports, transit);
    this.probation = made.seat.onProbation ? makeProbation(this) : undefined;
    const supply = this.probation ?? this.queue;
    const notices = makeNotices(this, supply, this.#stopped.signal);
    this.tellDelay = (mail) => notices.tellDelay(mail);
    this.#tellPast = (mail) => notices.tellDelay(mail, true);
    const { router, resolver, tls, dnsSockets } = makeRouter({
      clock: this.clock,
      snapshot: () => this.snapshot,
      chains: () => this.chains,
      isSelf: (ip, port) => this.#isSelf(ip, port),
      root: path.resolve(snapshot.global.spoolbase),
      hostname: () => this.hostname,
      leads: () => this.seat.team?.leads ?? true,
      inject: (made) => this.entrance.inject(made),
      log: (room, level, text, cause) => this.journal.say(level, room, text, cause),
    });
    this.router = router;
    this.resolver = resolver;
    this.tls = tls;
    this.dnsSockets = dnsSockets;
    this.probes = makeProbes(this);
    this.delivery = new Delivery({
      clock: this.clock,
      watch: this.watch,
      supply,
      broker: this.broker,
      router: this.router,
      spool: this.spool,
      snapshot: () => this.snapshot,
      hostname: () => this.hostname,
      nextId: () => this.ids.next(),
      chains: () => this.chains,
      classify: (reply, domain) => classify(this.classifier, this.chains, reply, domain),
      bounce: (mail, attempt, quiet) => notices.end(mail, attempt, quiet),
      confirm: (mail, attempt, receipt) => notices.confirm(mail, attempt, receipt),
      tlsWent: this.tls.went,
      trace: (place, hop, connection) => this.traces.of(place, hop, connection),
      log: (level, text, cause) => this.journal.say(level, 'deliver', text, cause),
    });
    this.#tellRefused = (copy, reply) => void notices.tellRefused(copy, attemptBySelf(copy, reply, CLASS.adminFailure, this.clock.now()));
    this.#tellArrived = (copy, attempt) => void notices.tellArrived(copy, attempt);
    this.#endMail = async (mail, reply, quiet) => {
      const bounceClass = await classify(this.classifier, this.chains, reply, mail.place.domain);
      await notices.end(mail, attemptBySelf(mail, reply, bounceClass, this.clock.now()), quiet);
    };
    this.queue.connect(this.delivery);
    this.smtp = new SmtpService<Pending>({
      reception: new Receiver(ports, transit, new Logins(makeLoginPorts(this))),
      clock: this.clock,
      contexts: this.contexts,
      hostname: this.hostname,
      product: `${PRODUCT} ${VERSION}`,
      nextId: () => this.ids.next(),
      troubled: (error, listen) => this.journal.say('error', 'listen', `a connection on ${listen} could not be accepted`, error),
      largeBodyBytes: () => this.snapshot.global.large_message_threshold,
    });
    this.spool.onHealth(() => this.queue.reloaded());
  }

  /** Sends a notice that a mail is late. */
  readonly tellDelay: (mail: Mail) => Promise<boolean>;
  /** The same for one that is past the time that its sender set. */
  #tellPast: (mail: Mail) => Promise<boolean>;
  #tellRefused: (copy: Copy, reply: string) => void;
  #tellArrived: (copy: Copy, attempt: Attempt) => void;
  #endMail: (mail: Copy, reply: string, quiet: boolean) => Promise<void>;

  /** Starts a daemon on a checked configuration. Resolves when connections are served; old mail is read meanwhile. */
  static async start(
    file: string,
    snapshot: Snapshot,
    observers: readonly Plan[] = [],
    seat: Seat = makeLoneSeat(systemClock),
  ): Promise<Daemon> {
    const root = path.resolve(snapshot.global.spoolbase);
    const lock = seat.lock(root);
    const gate = new Gatehouse();
    const listeners = new SmtpListeners(gate, seat.inherited);
    try {
      // Sockets that were bound for us need no privileges any more: nothing is accepted with them.
      if (seat.team) dropPrivileges(snapshot);
      await listeners.adopt(socketsOf(snapshot.listeners('esmtp_listener'), snapshot), seat.turned);
      const user = dropPrivileges(snapshot);
      const uid = process.getuid?.() ?? 0;
      if (uid !== 0) checkOwner(root, uid);
      const incarnation = await seat.incarnation(root);
      const daemon = await Daemon.#open(file, snapshot, { lock, gate, listeners, incarnation, user, seat }, root);
      daemon.#observers = observers;
      await daemon.#serve();
      return daemon;
    } catch (error) {
      await listeners.close();
      lock.release();
      throw error;
    }
  }

  static async #open(file: string, snapshot: Snapshot, made: Made, root: string): Promise<Daemon> {
    let say: (level: 'warning' | 'error', text: string) => void = () => {};
    const spool = await SegmentSpool.open({
      disk: nodeDisk,
      clock: systemClock,
      folders: await findFolders(nodeDisk, root, made.seat.number, made.seat.workers),
      permissions: snapshot.global.spool_mode,
      sync: snapshot.global.spool_sync !== 'none',
      log: (level, text) => say(level, text),
      collectGarbage,
    });
    const daemon = new Daemon(file, snapshot, { ...made, spool });
    say = (level, text) => daemon.journal.say(level, 'spool', text);
    return daemon;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get chains(): Chains {
    return this.registry.current.hooks.chains;
  }

  get hostname(): string {
    return this.#snapshot.global.hostname ?? os.hostname();
  }

  /** `stopped` is called when the console asks the daemon to end. */
  onStopAsked(stopped: () => void): void {
    this.#stopAsked = stopped;
  }

  askStop(): void {
    this.#stopAsked();
  }

  /** Recovery in per cent; 100 when everything on disk is known. */
  get loading(): number {
    return Math.floor(100 * this.spool.progress);
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Puts a new snapshot in force, whole or not at all. */
  async adopt(next: Snapshot): Promise<void> {
    const prepared = await this.registry.prepare(await this.#plans(next));
    const stanzas = next.listeners('esmtp_listener');
    try {
      await this.contexts.refresh(certificatesOf(stanzas, next));
      await this.listeners.adopt(socketsOf(stanzas, next));
    } catch (error) {
      this.registry.discard(prepared);
      throw error;
    }
    this.#snapshot = next;
    for (const error of this.registry.commit(prepared))
      this.journal.say('warning', 'modules', 'an old instance did not close cleanly', error);
    this.#rules = makeRules(next, this.chains);
    this.smtp.forgetProfiles();
    this.queue.reloaded();
    this.delivery.reloaded();
    this.broker.reloaded();
    this.#warnOfLostBindings();
  }

  /**
   * Stops in order: sockets, sessions (421 at their next command, messages on their way may finish), deliveries (those
   * behind the final dot wait for their reply), modules, logs, spool. `limit` ends every wait.
   */
  async stop(limit: AbortSignal): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.chains.shutdown.run();
    await this.listeners.close();
    await Promise.all([this.smtp.shutDown(limit), this.delivery.stop(limit)]);
    this.#stopped.abort();
    await this.tls.close();
    await this.#recovery;
    await this.queue.settle();
    await this.#writeHeld(limit);
    for (const error of this.registry.stop()) this.journal.say('warning', 'modules', 'an instance did not close cleanly', error);
    await this.probes.close();
    await this.spool.close();
    await this.writers.close();
    this.watch.stop();
    this.memory.stop();
    this.#lock.release();
  }

  /** What a stop waits for, in words. */
  waits(): readonly string[] {
    const waits: string[] = [];
    if (this.smtp.sessions > 0) waits.push(`${this.smtp.sessions} SMTP sessions`);
    const outbound = this.delivery.totals().connections;
    if (outbound > 0) waits.push(`${outbound} outbound connections`);
    if (this.#stopping && this.spool.held > 0) waits.push(`${this.spool.held} messages that are in memory only to be written`);
    return waits;
  }

  /** What is in memory only goes to the disk; only a disk that fails can keep it from that. */
  async #writeHeld(limit: AbortSignal): Promise<void> {
    const { held } = this.spool;
    if (held === 0) return;
    this.journal.say('info', 'spool', `${held} messages that are in memory only are being written`);
    try {
      await this.spool.writeHeld(limit);
      this.journal.say('info', 'spool', `all ${held} are written`);
    } catch (error) {
      this.journal.say('critical', 'spool', `${this.spool.held} messages could not be written and are lost`, error);
    }
  }

  async #serve(): Promise<void> {
    const prepared = await this.registry.prepare(await this.#plans(this.#snapshot));
    this.registry.commit(prepared);
    this.#rules = makeRules(this.#snapshot, this.chains);
    this.journal.tell = (record) => {
      if (isWanted(record, this.#snapshot)) this.chains.logged.run(record);
    };
    await this.contexts.refresh(certificatesOf(this.#snapshot.listeners('esmtp_listener'), this.#snapshot));
    this.#gate.open(this.seat.team?.guard(this.smtp) ?? this.smtp);
    this.memory.start();
    this.queue.custody.beginReading();
    followOrders(this, this.seat.orders);
    this.#recovery = this.#recover();
  }

  /** The modules of the configuration, and the core's own listener. */
  async #plans(snapshot: Snapshot): Promise<readonly Plan[]> {
    const notices = noticePlans(snapshot, this.classifier, () => this.chains);
    return [countingPlan(this.counters), ...notices, ...this.#observers, ...makePlans(snapshot, await loadManifests())];
  }

  async #recover(): Promise<void> {
    try {
      const told = await this.spool.recover(this.probation?.judge(this.queue.found, this.spool) ?? this.queue.found, this.#stopped.signal);
      await this.queue.custody.endReading(this.#stopped.signal);
      this.#warnOfLostBindings();
      // A moment later nothing of the work is held by anybody any more.
      if (told.messages > MANY) this.clock.after(1000, collectGarbage);
      if (told.messages + told.quarantined + told.tornTails === 0) return;
      this.journal.say(
        'info',
        'spool',
        `${told.messages} messages found in ${Math.round(told.milliseconds)} ms, ${told.quarantined} damaged places, ${told.tornTails} torn ends`,
      );
    } catch (error) {
      this.journal.say('critical', 'spool', 'old mail could not be read', error);
    }
  }

  /** Mail waits in bindings that the configuration does not have. */
  #warnOfLostBindings(): void {
    for (const { group, binding, total } of this.queue.views.bindings())
      if (binding !== DEFAULT_NAME && !this.#snapshot.hasBinding(binding, group))
        this.journal.say('warning', 'queue', `${total} messages wait in binding ${binding}, which is not configured; "rebind" moves them`);
  }

  /** One of our own sockets: mail that DNS leads there would go round in circles. */
  #isSelf(ip: string, port: number): boolean {
    return this.listeners
      .addresses()
      .some(({ address }) => address.kind === 'tcp' && address.port === port && (address.host === ip || isOwnAddress(ip)));
  }

  #receivePorts(): ReceivePorts {
    return {
      clock: this.clock,
      spool: this.spool,
      queue: { insert: (mail) => this.queue.insert(mail) },
      places: this.places,
      rules: () => this.#rules,
      nextId: () => this.ids.next(),
      jointRate: this.seat.team && ((limit) => this.seat.team?.tryTake(limit) ?? Promise.resolve(false)),
      random: Math.random,
      refusing: () => (this.#stopping ? 'stopping' : this.memory.level === 'high' ? 'memory' : undefined),
      refusedCopy: (copy, reply) => this.#tellRefused(copy, `${reply.code} ${reply.status} ${reply.text}`),
      arrivedCopy: (copy, attempt) => this.#tellArrived(copy, attempt),
      host: { name: this.hostname, product: `${PRODUCT} ${VERSION}` },
      log: (level, text, cause) => this.journal.say(level, 'receive', text, cause),
    };
  }

  /** The retry schedule is needed now: a promise from these two hooks is their error, and the options decide. */
  #atOnce<T>(hook: string, answer: Later<T | undefined>): T | undefined {
    if (!(answer instanceof Promise)) return answer;
    answer.catch(() => {});
    this.journal.say('error', 'queue', `a handler of ${hook} answered with a promise; it has to answer at once`);
    return undefined;
  }
}
