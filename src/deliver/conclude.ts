/** What follows from the result of one mail: hook `outcome`, retry decision, class, record in the spool, then everybody is told. */
import { readDeliverBy } from '../mail/deliver-by.js';
import type { Attempt, Delivery, Hop, Outcome, Stage, Via } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import type { Later } from '../module/hook.js';
import { NOTIFY } from '../module/message.js';
import type { DeliveryPorts } from './ports.js';
import type { Receipt } from './receipt.js';

/** How an attempt went, without the mail. */
export interface AttemptFacts {
  readonly outcome: Outcome;
  readonly reply: string;
  readonly stage: Stage;
  readonly bytes: number;
  readonly possibleDuplicate: boolean;
  readonly connectionId: string;
  readonly hop: Hop | undefined;
  readonly tls: Readonly<Record<string, string>> | undefined;
  readonly via?: Via | undefined;
  /** Fails without a notice. */
  readonly quiet: boolean;
  /** What the sender is told where he asked to hear of success and nobody else will tell him. */
  readonly receipt?: Receipt | undefined;
  /** The next hop does not know of RFC 2852. */
  readonly forgetsTime?: boolean;
}

/** Bounce class of what nobody could classify. */
const UNDETERMINED = 1;

const isLater = <T>(x: Later<T>): x is Promise<T> => x instanceof Promise;

/** Ends attempts. Synchronous as long as hooks and classification are; what is not is counted, so that a shut-down can wait for it. */
export class Conclusions {
  readonly #ports: DeliveryPorts;
  #pending = 0;
  #idle: (() => void)[] = [];

  constructor(ports: DeliveryPorts) {
    this.#ports = ports;
  }

  /** Conclusions that wait for a hook or a notice. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves when none is pending. */
  settled(): Promise<void> {
    return this.#pending === 0 ? Promise.resolve() : new Promise((done) => this.#idle.push(done));
  }

  conclude(mail: Copy, facts: AttemptFacts): void {
    const { outcome } = this.#ports.chains();
    const delivery: Delivery = { outcome: facts.outcome, reply: facts.reply };
    const folded = outcome.placed.length === 0 ? delivery : outcome.run(delivery, mail);
    if (isLater(folded)) this.#later(folded, delivery, mail, (value) => this.#decide(mail, facts, value));
    else this.#decide(mail, facts, folded);
  }

  /** The queue decides what a transient failure comes to; the class is that of the final reply. */
  #decide(mail: Copy, facts: AttemptFacts, delivery: Delivery): void {
    const { supply } = this.#ports;
    const final = delivery.outcome === 'deferred' ? supply.defer(mail, delivery.reply) : delivery;
    const bounceClass = final.outcome === 'delivered' ? 0 : this.#ports.classify(final.reply, mail.place.domain);
    if (isLater(bounceClass)) this.#later(bounceClass, UNDETERMINED, mail, (value) => this.#record(mail, facts, final, value));
    else this.#record(mail, facts, final, bounceClass);
  }

  #record(mail: Copy, facts: AttemptFacts, { outcome, reply }: Delivery, bounceClass: number): void {
    const { spool, supply, clock } = this.#ports;
    const chains = this.#ports.chains();
    const attempt: Attempt = {
      outcome,
      reply,
      mail,
      place: mail.place,
      at: clock.now(),
      connectionId: facts.connectionId,
      stage: facts.stage,
      bytes: facts.bytes,
      hop: facts.hop,
      bounceClass,
      possibleDuplicate: facts.possibleDuplicate,
      tls: facts.tls,
      via: facts.via,
    };
    const { confirm } = this.#ports;
    const receipt = outcome === 'delivered' && confirm ? receiptFor(mail, facts, clock.now()) : undefined;
    if (receipt && confirm) {
      chains.attempted.run(attempt);
      chains.delivered.run(attempt);
      this.#finish(confirm(mail, attempt, receipt), mail);
    } else if (outcome === 'delivered') {
      spool.gone(mail.ticket);
      supply.release(mail);
      chains.attempted.run(attempt);
      chains.delivered.run(attempt);
    } else if (outcome === 'deferred') {
      chains.attempted.run(attempt);
      chains.deferred.run(attempt);
    } else {
      chains.attempted.run(attempt);
      this.#finish(this.#ports.bounce(mail, attempt, facts.quiet), mail);
    }
  }

  /** Counts an end that has a notice until it is recorded. */
  #finish(ending: Promise<void>, mail: Copy): void {
    this.#pending++;
    ending
      .catch((error: unknown) => this.#ports.log('error', `the end of ${mail.id} could not be recorded`, error))
      .finally(() => this.#ended());
  }

  /** Goes on when a hook has answered; one that rejects changes nothing. What was delivered stays delivered. */
  #later<T>(value: Promise<T>, otherwise: T, mail: Copy, next: (value: T) => void): void {
    const { log } = this.#ports;
    this.#pending++;
    value
      .catch((error: unknown) => {
        log('error', `a hook about the outcome of ${mail.id} failed`, error);
        return otherwise;
      })
      .then(next)
      .catch((error: unknown) => log('error', `the outcome of ${mail.id} could not be recorded`, error))
      .finally(() => this.#ended());
  }

  #ended(): void {
    if (--this.#pending > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const done of idle) done();
  }
}

/**
 * What the sender is to be told of a delivery: as NOTIFY asks, of every server on the way where a trace is wanted, and of the first
 * that will not tell when the time is over (RFC 2852 4.1.4).
 */
function receiptFor(mail: Copy, { receipt, hop, forgetsTime }: AttemptFacts, now: number): Receipt | undefined {
  if (mail.notify & NOTIFY.success && receipt) return receipt;
  const by = hop && receipt !== 'delivered' ? readDeliverBy(mail.facts.get('deliver_by')) : undefined;
  return by && (by.traced || (forgetsTime && by.mode === 'N' && by.at > now)) ? 'relayed' : undefined;
}
