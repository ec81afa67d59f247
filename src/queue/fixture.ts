/** For the tests of this room: mails, a spool in a Map that can be restarted, a carrier that only listens. */
import { VirtualClock } from '../kernel/virtual-clock.js';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { bodyOf, Copy } from '../module/copy.js';
import type { Carrier, Hindrance } from '../module/flow.js';
import type { Body, Reception } from '../module/message.js';
import { type Place, type PlaceParts, PlaceTable } from '../module/place.js';
import type { Found, LargeBody, RecoveryReport, Spool } from '../module/spool.js';
import { problems } from '../spool/problems.js';
import { MailQueue, type QueuePorts } from './mail-queue.js';
import type { QueueValues } from './settings.js';

export const VALUES: QueueValues = {
  never_retry: false,
  message_expiration: 604_800,
  retry_interval: 1200,
  max_retry_interval: 43_200,
  max_retries: 'none',
  never_attempt_expired_messages: false,
  drop_body_after_trans_fail: 3,
  max_resident_active_queue: 250,
  max_resident_messages: 32_768,
  suspend_delivery: false,
  delayed_binding_domain_fuzz: 0,
};

interface Kept {
  readonly mail: Copy;
  attempts: number;
  nextAttempt: number;
  lastReply: string;
  place: { group: string; binding: string; domain: string };
}

/** Keeps everything at once; what a crash would leave is what it holds. */
export class MapSpool implements Spool {
  readonly kept = new Map<number, Kept>();
  readonly #free: number[] = [];
  readonly #health: (() => void)[] = [];
  #next = 0;
  blocked: string | undefined;
  refusing: string | undefined;
  reads = 0;
  changes = 0;
  /** Tickets whose records are damaged. */
  readonly damaged = new Set<number>();
  /** Set to make reads fail. */
  broken: Error | undefined;

  async write(copies: readonly Copy[]): Promise<void> {
    this.keep(copies);
  }

  keep(copies: readonly Copy[]): void {
    for (const mail of copies) {
      mail.ticket = this.#free.pop() ?? this.#next++;
      const { attempts, nextAttempt, lastReply, place } = mail;
      this.kept.set(mail.ticket, { mail, attempts, nextAttempt, lastReply, place });
    }
  }

  async replace(gone: readonly number[], copies: readonly Copy[]): Promise<void> {
    for (const ticket of gone) this.gone(ticket);
    this.keep(copies);
  }

  async read(ticket: number): Promise<Copy> {
    this.reads++;
    await Promise.resolve();
    if (this.broken) throw this.broken;
    const kept = this.kept.get(ticket);
    if (!kept) throw problems.GONE(String(ticket));
    if (this.damaged.has(ticket)) throw problems.DAMAGED(kept.mail.id, 'segment 1');
    const { mail } = kept;
    const copy = new Copy(
      mail.id,
      { ...mail.reception },
      [...mail.recipients],
      mail.headers.clone(),
      bodyOf(mail.content.resident ?? []),
      mail.facts,
    );
    return Object.assign(copy, {
      ticket,
      attempts: kept.attempts,
      nextAttempt: kept.nextAttempt,
      lastReply: kept.lastReply,
      priority: mail.priority,
      quarantined: mail.quarantined,
    });
  }

  change(ticket: number, attempts: number, nextAttempt: number, lastReply: string): void {
    this.changes++;
    const kept = this.kept.get(ticket);
    if (!kept) throw new Error(`change of ${ticket}, which is gone`);
    Object.assign(kept, { attempts, nextAttempt, lastReply });
  }

  gone(ticket: number): void {
    if (!this.kept.delete(ticket)) throw new Error(`${ticket} is gone already`);
    this.#free.push(ticket);
  }

  async purge(tickets: readonly number[]): Promise<void> {
    for (const ticket of tickets) this.gone(ticket);
  }

  move(ticket: number, place: { group: string; binding: string; domain: string }): void {
    const kept = this.kept.get(ticket);
    if (kept) kept.place = place;
  }

  id(ticket: number): string {
    return this.kept.get(ticket)?.mail.id ?? '';
  }

  find(id: string): number | undefined {
    for (const [ticket, { mail }] of this.kept) if (mail.id === id) return ticket;
    return undefined;
  }

  openLarge(): Promise<LargeBody> {
    return Promise.reject(new Error('no large bodies here'));
  }

  forget(): void {
    // Its bodies are in memory.
  }

  onHealth(changed: () => void): void {
    this.#health.push(changed);
  }

  block(why: string | undefined): void {
    this.blocked = why;
    for (const changed of this.#health) changed();
  }

  async recover(found: Found): Promise<RecoveryReport> {
    for (const [ticket, { mail, attempts, nextAttempt, place }] of this.kept) {
      found(ticket, place, attempts, nextAttempt, mail.reception.receivedAt, mail.priority, mail.quarantined !== undefined);
    }
    return { messages: this.kept.size, quarantined: 0, tornTails: 0, milliseconds: 0 };
  }

  stats() {
    return { messages: this.kept.size, liveBytes: 0, diskBytes: 0, segments: 1 };
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}

/** A spool that can record one outcome for all mail of matching places. */
export class SweepingSpool extends MapSpool {
  async changeAll(where: PlaceParts, nextAttempt: number, lastReply: string): Promise<void> {
    this.changes++;
    for (const kept of this.kept.values()) {
      const { group, binding, domain } = kept.place;
      if (where.group !== undefined && where.group !== group) continue;
      if (where.binding !== undefined && where.binding !== binding) continue;
      if (where.domain === undefined || where.domain === domain) Object.assign(kept, { nextAttempt, lastReply });
    }
  }
}

/** Writes down who woke it. */
export class Listener implements Carrier {
  readonly woken: string[] = [];
  hindered: Hindrance | undefined;
  /** Called in wake, for tests that deliver. */
  onWake: ((place: Place) => void) | undefined;

  wake(place: Place): void {
    this.woken.push(place.domain);
    this.onWake?.(place);
  }

  connections(): number {
    return 0;
  }

  hindrance(): Hindrance | undefined {
    return this.hindered;
  }

  async stop(): Promise<void> {}
}

/** A queue with everything around it. */
export class Rig {
  readonly clock: VirtualClock;
  readonly spool: MapSpool;
  readonly places = new PlaceTable();
  readonly carrier = new Listener();
  readonly queue: MailQueue;
  readonly failed: { id: string; reply: string; quiet: boolean }[] = [];
  readonly unreadable: number[] = [];
  /** What is used of limits. */
  usage: NonNullable<QueuePorts['usage']> = () => undefined;
  /** Option values in force; `set` replaces them as a reload does. */
  values: QueueValues;
  #snapshot = { at: () => this.values };
  #made = 0;

  constructor(values: Partial<QueueValues> = {}, more: Partial<QueuePorts> = {}, from?: { clock: VirtualClock; spool: MapSpool }) {
    this.values = { ...VALUES, ...values };
    this.clock = from?.clock ?? new VirtualClock();
    this.spool = from?.spool ?? new MapSpool();
    this.queue = new MailQueue({
      clock: this.clock,
      spool: this.spool,
      places: this.places,
      snapshot: () => this.#snapshot,
      random: () => 0.5,
      failed: async (mail, reply, quiet) => {
        this.spool.gone(mail.ticket);
        this.failed.push({ id: mail.id, reply, quiet });
      },
      unreadable: (ticket) => void this.unreadable.push(ticket),
      usage: (limit) => this.usage(limit),
      ...more,
    });
    this.queue.connect(this.carrier);
  }

  set(values: Partial<QueueValues>): void {
    this.values = { ...this.values, ...values };
    this.#snapshot = { at: () => this.values };
    this.queue.reloaded();
  }

  /** A daemon that starts on the same spool. */
  async restart(values: Partial<QueueValues> = {}, more: Partial<QueuePorts> = {}): Promise<Rig> {
    const next = new Rig({ ...this.values, ...values }, more, this);
    next.#made = this.#made;
    await this.spool.recover(next.queue.found);
    return next;
  }

  place(domain = 'example.com', binding = 'default'): Place {
    return this.places.of('default', binding, domain);
  }

  /** Receives one message for some recipients, as reception would. */
  receive(domain: string, recipients: number, how: Partial<Copy> = {}, body: Body = bodyOf([Buffer.from('hello\r\n')])): Copy[] {
    const reception: Reception = {
      batchId: `batch${this.#made}`,
      connectionId: 'c',
      protocol: 'esmtp',
      receivedAt: this.clock.now(),
      sender: new Address('sender', 'example.org'),
      facts: new Facts(),
      smtpUtf8: false,
    };
    const headers = new Headers(Buffer.from(`Subject: ${this.#made}\r\n\r\n`));
    const copies: Copy[] = [];
    for (let i = 0; i < recipients; i++) {
      const copy = new Copy(`id${this.#made++}`, reception, [new Address(`r${i}`, domain)], headers, body, new Facts());
      copies.push(Object.assign(copy, { place: this.place(domain) }, how));
    }
    this.spool.keep(copies);
    for (const copy of copies) this.queue.insert(copy);
    return copies;
  }

  /** Takes and insists on an answer without a wait. */
  take(domain = 'example.com', max = 100): readonly Copy[] {
    const taken = this.queue.take(this.place(domain), max);
    if (!Array.isArray(taken)) throw new Error('it had to be read back');
    return taken as readonly Copy[];
  }

  /** Delivers a mail: its end in the spool, then in the queue. */
  deliver(mail: Copy): void {
    this.spool.gone(mail.ticket);
    this.queue.release(mail);
  }

  /** Lets some turns end, so that wake-ups arrive and background work goes on. */
  async turn(count = 2): Promise<void> {
    for (let i = 0; i < count; i++) await this.clock.advance(0);
  }
}

export const idsOf = (mails: readonly Copy[]): string[] => mails.map((mail) => mail.id);
