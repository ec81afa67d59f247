/** The queue: takes in what is durable, gives delivery what is due, decides about what came back. */
import { readDeliverBy } from '../mail/deliver-by.js';
import type { Delivery } from '../module/attempt.js';
import { type Copy, NO_TICKET } from '../module/copy.js';
import type { Carrier, Intake, Supply } from '../module/flow.js';
import type { Schedule as RetrySchedule } from '../module/hooks.js';
import { DEFAULT_NAME, type Place, type PlaceParts } from '../module/place.js';
import type { Found } from '../module/spool.js';
import { BulkOperations } from './bulk.js';
import { Custody } from './custody.js';
import { Endings } from './endings.js';
import { LIST, type List, NOBODY } from './entries.js';
import { Explanations } from './explanations.js';
import { MARKS, readMark } from './marks.js';
import { QueueOperations } from './operations.js';
import { type Measured, Pace } from './pace.js';
import { ReadBack } from './read-back.js';
import { hasExpired, judge, NOT_ATTEMPTED, type RetryRules, TOO_LATE } from './retry.js';
import { callRoll, type Roll } from './roll.js';
import { Selection } from './selection.js';
import { Stock, type StockPorts } from './stock.js';
import { shareTransaction } from './transaction.js';
import { QueueViews } from './views.js';

export interface QueuePorts extends StockPorts {
  /** A number in [0, 1). */
  random?(): number;
  /** Schedule that a hook gives one mail, or undefined. */
  schedule?(mail: Copy): RetrySchedule | undefined;
  /** Wall milliseconds of the next attempt that a hook chose, or undefined. */
  nextAttempt?(mail: Copy, now: number): number | undefined;
  /**
   * Ends a mail that the queue gave up by itself (failed by an operator, expired before an attempt): makes its notice unless
   * `quiet`, ends it in the spool and tells the logs. The queue forgets the mail when the promise resolves and asks again later
   * when it rejects.
   */
  failed(mail: Copy, reply: string, quiet: boolean): Promise<void>;
  /** Resolves when what `failed` told stands in the logs, or cannot. Ends of many mails wait for it now and then. */
  logged?(): Promise<void>;
  /** A mail was not delivered by the time its sender set, and is tried further: the sender is to hear of it, once. */
  late?(mail: Copy): void;
  /** What is taken of a limit of delivery, for explanations. */
  usage?(limit: string): { readonly used: number; readonly limit: number } | undefined;
  /** A mail could not be read back; it is asked for again later. */
  unreadable?(ticket: number, error: unknown): void;
}

const NONE: readonly Copy[] = Object.freeze([]);

/** Mails of other transactions that are passed over while a batch is filled. */
const LOOK_AHEAD = 4;

export class MailQueue implements Supply, Intake {
  readonly views: QueueViews;
  readonly operations: QueueOperations;
  readonly bulk: BulkOperations;
  readonly custody: Custody;
  readonly #stock: Stock;
  readonly #ports: QueuePorts;
  readonly #endings: Endings;
  readonly #readBack: ReadBack;
  readonly #pace = new Pace();

  constructor(ports: QueuePorts) {
    this.#ports = ports;
    const stock = new Stock(ports);
    this.#stock = stock;
    this.#readBack = new ReadBack(stock, (ticket, error) => ports.unreadable?.(ticket, error));
    this.#endings = new Endings(
      stock,
      this.#readBack,
      (mail, reply, quiet) => ports.failed(mail, reply, quiet),
      async () => ports.logged?.(),
    );
    const explanations = new Explanations(stock, this.#endings, (limit) => ports.usage?.(limit));
    this.views = new QueueViews(stock, explanations, this.#readBack);
    this.custody = new Custody(stock, this.#readBack);
    this.operations = new QueueOperations(stock, this.#endings, this.#readBack, this.custody, ports.random ?? Math.random, (mail) =>
      this.insert(mail),
    );
    this.bulk = new BulkOperations(stock, this.#endings, new Selection(stock, this.#readBack), this.operations, this.custody);
    ports.spool.onHealth(() => this.reloaded());
  }

  /** Tells the queue who delivers; mail that was taken in before is offered now. */
  connect(carrier: Carrier): void {
    this.#stock.connect(carrier);
  }

  /** A new snapshot is in force, or the spool's health changed: wakes whatever may go now. */
  reloaded(): void {
    this.#stock.wakeAll();
  }

  insert(mail: Copy): void {
    const stock = this.#stock;
    const { ticket } = mail;
    if (ticket === NO_TICKET || mail.place.index < 0) throw new RangeError(`message ${mail.id} is in no spool or has no place`);
    const place = stock.settle(mail.place);
    mail.place = place;
    // The spool gave the ticket anew: whatever had it is gone there.
    if (stock.entries.list(ticket) !== LIST.none) stock.forget(ticket);
    const now = stock.anchor.mono();
    const received = stock.anchor.monoOf(mail.reception.receivedAt);
    const due = mail.nextAttempt > 0 ? stock.anchor.monoOf(mail.nextAttempt) : now;
    if (mail.quarantined !== undefined || this.custody.claims(mail)) {
      stock.addHeld(ticket, place, now, received, mail.attempts, mail.priority);
      this.#markHeld(mail);
      return;
    }
    if (due > now) stock.addDelayed(ticket, place, due, received, mail.attempts, mail.priority);
    else stock.addDue(ticket, place, now, received, mail.attempts, mail.priority);
    stock.offerResidence(ticket, mail, place);
  }

  /** Takes in what recovery found; hand it to `Spool.recover`. */
  readonly found: Found = (ticket, where, attempts, nextAttempt, receivedAt, priority) => {
    const stock = this.#stock;
    // As in insert: an end that is being made may still stand here with a ticket that is somebody else's by now.
    if (stock.entries.list(ticket) !== LIST.none) stock.forget(ticket);
    const place = stock.settle(stock.places.of(where.group, where.binding, where.domain));
    const now = stock.anchor.mono();
    const received = stock.anchor.monoOf(receivedAt);
    const mark = readMark(nextAttempt);
    if (mark === 'held') stock.addHeld(ticket, place, now, received, attempts, priority);
    else if (mark) this.#endings.resume(ticket, place, received, attempts, mark === 'ending quietly');
    if (mark) return;
    const { retry } = stock.settings(place);
    // A time far ahead was written by a clock that was wrong.
    const latest = now + Math.max(retry.expirationSeconds, retry.maxIntervalSeconds) * 1000;
    const due = nextAttempt === 0 ? received : Math.min(stock.anchor.monoOf(nextAttempt), latest);
    // What is due already goes through the schedule too: its next tick sorts a whole handful at once.
    stock.addDelayed(ticket, place, due, received, attempts, priority);
  };

  take(place: Place, max: number): readonly Copy[] | Promise<readonly Copy[]> {
    const stock = this.#stock;
    const { entries } = stock;
    if (entries.countDue(place.index) === 0 || max < 1 || !stock.isCurrent(place)) return NONE;
    const now = stock.anchor.mono();
    if (stock.isStopped(place, now)) return NONE;
    for (;;) {
      const list = entries.firstList(place.index);
      const first = entries.head(place.index, list);
      if (first === NOBODY) return NONE;
      if (this.#endExpired(first, place, now)) continue;
      const mail = stock.residents.at(first);
      if (!mail) return this.#takeUnread(place, list, max);
      if (this.custody.claims(mail)) {
        this.custody.setAside(first);
        continue;
      }
      if (this.#isPast(mail, now)) {
        this.#endings.begin([first], { reply: TOO_LATE, quiet: false });
        continue;
      }
      stock.take(first);
      const batch = max > 1 && entries.count(place.index, list) > 0 ? this.#fill(mail, place, list, max, now) : [mail];
      this.#measure(place, batch.length, now);
      return batch;
    }
  }

  putBack(mails: readonly Copy[]): void {
    for (let i = mails.length - 1; i >= 0; i--) {
      const mail = mails[i];
      if (!mail || !this.#isTaken(mail)) continue;
      if (this.#stock.entries.condemned(mail.ticket)) this.#endings.execute(mail.ticket);
      else this.#stock.restore(mail.ticket);
    }
    const [first] = mails;
    if (first) this.#rest(first.place);
  }

  waiting(place: Place): number {
    const due = this.#stock.isCurrent(place) ? this.#stock.entries.countDue(place.index) : 0;
    return due > 0 && this.#stock.isStopped(place, this.#stock.anchor.mono()) ? 0 : due;
  }

  defer(mail: Copy, reply: string): Delivery {
    const stock = this.#stock;
    const { entries, anchor } = stock;
    const { ticket, place } = mail;
    if (!this.#isTaken(mail)) return { outcome: 'deferred', reply };
    const sentence = entries.condemned(ticket) ? this.#endings.sentenceOf(ticket) : undefined;
    if (sentence && !sentence.quiet) {
      this.#endings.pardon(ticket);
      return { outcome: 'failed', reply: sentence.reply };
    }
    const now = anchor.mono();
    const judged = judge(
      this.#rulesOf(mail, place),
      entries.attempts(ticket),
      (now - entries.received(ticket)) / 1000,
      anchor.expiryRests(now),
    );
    mail.attempts = judged.attempts;
    entries.setAttempts(ticket, judged.attempts);
    if (sentence) {
      this.#endings.execute(ticket);
      return { outcome: 'deferred', reply };
    }
    if (!judged.again) return { outcome: 'failed', reply: judged.reply };
    const chosen = this.#ports.nextAttempt?.(mail, anchor.wallOf(now));
    let due = Math.max(now, chosen === undefined ? now + judged.delaySeconds * 1000 : anchor.monoOf(chosen));
    let isLate = false;
    const by = readDeliverBy(mail.facts.get('deliver_by'));
    if (by && !anchor.expiryRests(now)) {
      const deadline = anchor.monoOf(by.at);
      if (deadline <= now && by.mode === 'R') return { outcome: 'failed', reply: TOO_LATE };
      // An attempt is made when the time is over, so the first that was not planned for later is the one to tell of.
      isLate = deadline <= now && mail.nextAttempt <= by.at;
      if (deadline > now) due = Math.min(due, deadline);
    }
    mail.nextAttempt = anchor.wallOf(due);
    mail.lastReply = reply;
    if (isLate) this.#ports.late?.(mail);
    stock.spool.change(ticket, judged.attempts, mail.nextAttempt, reply);
    stock.delay(ticket, due);
    this.#rest(place);
    return { outcome: 'deferred', reply };
  }

  release(mail: Copy): void {
    if (!this.#isTaken(mail)) return;
    this.#stock.forget(mail.ticket);
    this.#rest(mail.place);
  }

  delay(place: Place, untilMs: number, reply: string): void {
    if (this.#stock.isCurrent(place)) this.operations.delayPlace(place, untilMs, reply);
  }

  /** Part of everything that waits; see Roll. */
  roll(from: number, most: number): Roll {
    return callRoll(this.#stock, from, most);
  }

  /** A mail that waits, from memory or the spool; undefined when it does not wait any more or cannot be read. */
  async peek(ticket: number): Promise<Copy | undefined> {
    const mail = await this.#readBack.read(ticket).catch(() => undefined);
    const list = this.#stock.entries.list(ticket);
    return list === LIST.none || list === LIST.held || list === LIST.ending ? undefined : mail;
  }

  /** Mails on any list. */
  get size(): number {
    return this.#stock.entries.size;
  }

  /** What one busy connection of a place did in the last minute; undefined when that was too little to tell. */
  pace(place: Place): Measured | undefined {
    return this.#pace.of(place, this.#stock.anchor.mono());
  }

  /** The same for the place with these names; `default` stands for names that are not given. */
  paceOf({ group = DEFAULT_NAME, binding = DEFAULT_NAME, domain = '' }: PlaceParts): Measured | undefined {
    for (const place of this.#stock.places)
      if (place.domain === domain && place.binding === binding && place.group === group) return this.pace(place);
    return undefined;
  }

  /** The queue has mail of this place: it must not be let go. */
  uses(place: Place): boolean {
    return this.#stock.isCurrent(place) && this.#stock.entries.countAll(place.index) > 0;
  }

  /** Exact figures for the daemon's memory budget. */
  memory(): { readonly entries: number; readonly tableBytes: number; readonly residentMails: number; readonly residentBytes: number } {
    const { entries, schedule, residents } = this.#stock;
    return {
      entries: entries.size,
      tableBytes: entries.bytes + schedule.bytes,
      residentMails: residents.count,
      residentBytes: residents.bytes,
    };
  }

  /** Drops bodies of waiting mail from memory, until at most `bytes` of them are left; they are read back when their turn comes. */
  shrink(bytes: number): void {
    this.#stock.shrink(bytes);
  }

  /** Calls of Carrier.wake so far. */
  get wakes(): number {
    return this.#stock.wakes;
  }

  /** Resolves when every ending that was asked for has been carried out or put off. */
  settle(): Promise<void> {
    return this.#endings.settle();
  }

  /** Takes further mails of the transaction of `mail`, which is taken already. */
  #fill(mail: Copy, place: Place, list: List, max: number, now: number): readonly Copy[] {
    const { entries, residents } = this.#stock;
    const batch = [mail];
    let passed = 0;
    for (let t = entries.head(place.index, list); t !== NOBODY && batch.length < max && passed < LOOK_AHEAD; ) {
      const next = entries.next(t);
      const other = residents.at(t);
      if (!other) break;
      if (!shareTransaction(mail, other) || this.#isPast(other, now)) passed++;
      else if (!this.#endExpired(t, place, now)) {
        this.#stock.take(t);
        batch.push(other);
      }
      t = next;
    }
    return batch;
  }

  async #takeUnread(place: Place, list: List, max: number): Promise<readonly Copy[]> {
    const mails = await this.#readBack.readHead(place, list);
    const ready: Copy[] = [];
    for (const mail of mails) {
      if (this.#stock.entries.condemned(mail.ticket)) this.#endings.execute(mail.ticket);
      else if (this.#isPast(mail, this.#stock.anchor.mono())) this.#endings.begin([mail.ticket], { reply: TOO_LATE, quiet: false });
      else if (mail.quarantined !== undefined || this.custody.claims(mail)) this.#setAside(mail);
      else ready.push(mail);
    }
    const [first] = ready;
    const batch: Copy[] = [];
    const rest: Copy[] = [];
    for (const mail of ready) (first && batch.length < max && shareTransaction(first, mail) ? batch : rest).push(mail);
    this.putBack(rest);
    this.#stock.wake(place);
    if (batch.length > 0) this.#measure(place, batch.length, this.#stock.anchor.mono());
    return batch;
  }

  /** A mail whose mark a crash cut off: the record itself says that it is set aside. */
  #setAside(mail: Copy): void {
    this.#stock.hold(mail.ticket);
    this.#markHeld(mail);
  }

  /** Lets recovery know at once what else only reading the record would tell. */
  #markHeld(mail: Copy): void {
    this.#stock.spool.change(mail.ticket, mail.attempts, MARKS.held, mail.lastReply);
  }

  /** Ends a mail that is too old to be tried, where never_attempt_expired_messages asks for it. */
  #endExpired(ticket: number, place: Place, now: number): boolean {
    const { entries, anchor } = this.#stock;
    const { values, retry } = this.#stock.settings(place);
    if (!values.never_attempt_expired_messages) return false;
    if (!hasExpired(retry, (now - entries.received(ticket)) / 1000, anchor.expiryRests(now))) return false;
    this.#endings.begin([ticket], { reply: NOT_ATTEMPTED, quiet: false });
    return true;
  }

  /** Its sender wants it back rather than late (RFC 2852). */
  #isPast(mail: Copy, now: number): boolean {
    const by = readDeliverBy(mail.facts.get('deliver_by'));
    const { anchor } = this.#stock;
    return by?.mode === 'R' && !anchor.expiryRests(now) && anchor.monoOf(by.at) <= now;
  }

  #rulesOf(mail: Copy, place: Place): RetryRules {
    const { retry } = this.#stock.settings(place);
    const own = this.#ports.schedule?.(mail);
    return own ? { ...retry, expirationSeconds: own.expirationSeconds, intervalSeconds: own.intervalSeconds, retries: own.retries } : retry;
  }

  #measure(place: Place, mails: number, now: number): void {
    const { carrier } = this.#stock;
    if (carrier) this.#pace.begin(place, mails, now, carrier);
  }

  /** Ends the measuring of a place that has nothing in flight. */
  #rest(place: Place): void {
    const { entries, anchor } = this.#stock;
    if (entries.count(place.index, LIST.taken) === 0) this.#pace.rest(place, anchor.mono());
  }

  #isTaken(mail: Copy): boolean {
    return this.#stock.residents.at(mail.ticket) === mail && this.#stock.entries.list(mail.ticket) === LIST.taken;
  }
}
