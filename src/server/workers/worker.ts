/** A worker's life: enlists with the supervisor, serves, and ends when it is told to, or when the supervisor is gone. */
import fs from 'node:fs';
import { readerOf } from '../../config/reader.js';
import { printSocketAddress } from '../../config/socket-address.js';
import { makeCommands } from '../../console/commands/index.js';
import { answerPassedOn } from '../../console/dispatch.js';
import type { Answer } from '../../console/frame.js';
import { systemClock } from '../../kernel/clock.js';
import { nodeDisk } from '../../kernel/node-disk.js';
import { pack } from '../../module/carry.js';
import { nextIncarnation } from '../../spool/incarnation.js';
import { loadConfiguration } from '../configuration.js';
import { Control } from '../control.js';
import { Daemon } from '../daemon.js';
import { makeDesk } from '../desk.js';
import { describeCause } from '../journal.js';
import { followOrders, gatherReleased, type Orders } from '../orders.js';
import type { Seat, Team } from '../seat.js';
import { processChannel } from './channel.js';
import { Doorman } from './doorman.js';
import { LeasedBroker } from './leased-broker.js';
import { Line } from './line.js';
import type { Adoption, Start, SupervisorVerbs, Told, WorkerVerbs } from './verbs.js';

const BEAT_MS = 1000;
/** A client is kept at the door for so long at most. */
const ENTER_LIMIT_MS = 5000;
/** A shut-down takes no longer than this. */
const STOP_LIMIT_MS = 120_000;

/** Serves until the end. Answers whether it ended in order. */
export async function work(): Promise<boolean> {
  const worker = new Worker();
  return worker.run();
}

class Worker {
  readonly #line: Line<SupervisorVerbs>;
  readonly #broker: LeasedBroker;
  readonly #inherited = new Map<string, number | object>();
  readonly #limit = new AbortController();
  #daemon: Daemon | undefined;
  #leads = false;
  /** Ordered of others while we were starting. */
  #orders: Orders | undefined;
  readonly #told: Told[] = [];
  #end: () => void = () => {};
  readonly #ended = new Promise<void>((done) => (this.#end = done));

  constructor() {
    const channel = processChannel(process);
    this.#line = new Line<SupervisorVerbs>(channel, this.#makeVerbs());
    this.#broker = new LeasedBroker({
      clock: systemClock,
      send: (asks) => this.#line.tell('lease', asks),
      soon: (task) => void setImmediate(task),
      wanted: (key, elsewhere) => this.#daemon?.delivery.wanted(key, elsewhere),
    });
    // Without a supervisor there are no permits and nobody who starts us anew.
    channel.onClose(() => this.#end());
    // Signals are for the supervisor, which tells us; a terminal sends them to all.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => {});
  }

  async run(): Promise<boolean> {
    const beat = setInterval(() => this.#line.tell('beat', { waits: this.#daemon?.waits() ?? [] }), BEAT_MS);
    let control: Control | undefined;
    try {
      const start = await this.#line.ask('enlist', null);
      const daemon = await this.#begin(start);
      if (start.number === 0) {
        control = new Control(daemon);
        await control.open();
      }
      const sockets = daemon.listeners.addresses().map(({ address }) => printSocketAddress(address));
      this.#line.tell('ready', { user: daemon.user, sockets });
      await this.#ended;
      await control?.close();
      await daemon.stop(AbortSignal.any([this.#limit.signal, AbortSignal.timeout(STOP_LIMIT_MS)]));
      return true;
    } catch (error) {
      this.#line.tell('failed', { text: describeCause(error) });
      // What had begun already would keep the process alive.
      await this.#daemon?.stop(AbortSignal.abort()).catch(() => {});
      // The words leave with the next turn.
      await new Promise<void>((done) => setImmediate(done));
      return false;
    } finally {
      clearInterval(beat);
      if (process.connected) process.disconnect();
    }
  }

  async #begin(start: Start): Promise<Daemon> {
    this.#leads = start.leads;
    for (const [address, fd] of start.sockets) this.#inherited.set(address, fd);
    const configured = await loadConfiguration(start.file, start.snapshot, readerOf(start.texts));
    if (!configured.ok) throw new Error('the configuration that the supervisor read is not valid here');
    const daemon = await Daemon.start(start.file, configured.snapshot, [], this.#makeSeat(start));
    const { journal } = daemon;
    process.on('unhandledRejection', (error) => journal.say('critical', 'daemon', 'a promise was left alone', error));
    process.on('uncaughtException', (error) => journal.say('critical', 'daemon', 'an error was caught by nobody', error));
    this.#daemon = daemon;
    if (this.#orders) followOrders(daemon, this.#orders);
    this.#closeUnused();
    return daemon;
  }

  /** Sockets that the configuration has no use for: as long as one of us has them open, clients would wait at them in vain. */
  #closeUnused(): void {
    for (const from of this.#inherited.values()) {
      if (typeof from === 'number') fs.closeSync(from);
      else (from as { close?(): void }).close?.();
    }
    this.#inherited.clear();
  }

  #makeSeat({ number, workers, turned, ticketKeys, pid, onProbation, orders }: Start): Seat {
    return {
      number,
      workers,
      broker: this.#broker,
      inherited: this.#inherited,
      turned,
      ticketKeys: Buffer.from(ticketKeys),
      team: this.#makeTeam(pid),
      onProbation,
      orders,
      // The descriptor of the lock is inherited: it lasts as long as any of us.
      lock: () => ({ release: () => {} }),
      incarnation: (root) => this.#takeNumber(root),
    };
  }

  #makeTeam(pid: number): Team {
    const line = this.#line;
    const leads = (): boolean => this.#leads;
    return {
      pid,
      get leads() {
        return leads();
      },
      pass: (key, args) => this.#pass({ key, args: args.map((each) => pack(each)) }),
      add: (tally, n) => line.tell('add', { tally, n }),
      read: (tally) => line.ask('read', { tally }),
      tryTake: (limit) => this.#broker.tryTake([limit]),
      guard: (service) =>
        new Doorman(
          { enter: (arrival) => line.ask('enter', arrival, ENTER_LIMIT_MS), leave: (arrival) => line.tell('leave', arrival) },
          service,
        ),
      reload: (file) => line.ask('reload', { file }),
      turn: (on, stanza, listen) => line.ask('turn', { on, stanza, listen }),
      stop: () => line.tell('stop', null),
      ask: (command) => line.ask('ask', { command }),
      waits: () => line.ask('waits', null),
      keep: (orders) => line.tell('keep', orders),
    };
  }

  /** What was told in one turn of the loop goes in one message. */
  #pass(told: Told): void {
    this.#told.push(told);
    if (this.#told.length > 1) return;
    setImmediate(() => this.#line.tell('pass', this.#told.splice(0)));
  }

  /** The file with the last number is everybody's: one reads and writes it at a time. */
  async #takeNumber(root: string): Promise<number> {
    await this.#line.ask('takeTurn', null);
    try {
      return await nextIncarnation(nodeDisk, root);
    } finally {
      this.#line.tell('endTurn', null);
    }
  }

  #makeVerbs(): WorkerVerbs {
    return {
      lease: (answers) => this.#broker.hear(answers),
      socket: ({ address }, handle) => void (handle && this.#inherited.set(address, handle)),
      adopt: (adoption) => this.#adopt(adoption),
      run: ({ command }) => this.#run(command),
      hear: (told) => {
        for (const { key, args } of told) this.#daemon?.registry.hear(key, args);
      },
      record: (record) => this.#daemon?.journal.hear(record),
      lead: ({ leads }) => void (this.#leads = leads),
      follow: (orders) => this.#follow(orders),
      trust: () => this.#daemon?.probation?.end(),
      reopenLogs: () => this.#daemon?.chains.log_reopen.run(),
      stop: ({ now }) => {
        if (now) this.#limit.abort();
        this.#end();
      },
    };
  }

  #follow(orders: Orders): void {
    if (this.#daemon) followOrders(this.#daemon, orders);
    else this.#orders = { ...orders, released: gatherReleased(this.#orders?.released, orders) };
  }

  async #adopt({ file, texts, snapshot }: Adoption): Promise<void> {
    const configured = await loadConfiguration(file, snapshot, readerOf(texts));
    if (!configured.ok) throw new Error('the configuration is not valid here');
    try {
      await this.#daemon?.adopt(configured.snapshot);
    } finally {
      this.#closeUnused();
    }
  }

  async #run(command: string): Promise<Answer> {
    const daemon = this.#daemon;
    if (!daemon) return { id: 0, ok: false, text: 'The worker has not begun.' };
    const book = () => makeCommands(makeDesk(daemon));
    const failed = (error: unknown): void => daemon.journal.say('error', 'console', 'a command failed', error);
    return answerPassedOn(command, book, this.#limit.signal, failed);
  }
}
