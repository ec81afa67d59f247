/** What follows when a mail fails for good: its notice and its end become durable together, and only then is the failure told. */
import type { OutboundValues } from '../config/snapshot.js';
import { type Clock, sleep } from '../kernel/clock.js';
import { formatDate } from '../mail/date.js';
import { readDeliverBy } from '../mail/deliver-by.js';
import { type FailedRecipient, formatNotice, type NoticeFacts } from '../mail/dsn.js';
import { formatOneLine } from '../mail/reply.js';
import type { Attempt } from '../module/attempt.js';
import { type Copy, ResidentBody } from '../module/copy.js';
import type { Entrance, MadeMessage, Supply } from '../module/flow.js';
import type { Chains } from '../module/hook-set.js';
import type { Notice } from '../module/hooks.js';
import type { Mail } from '../module/message.js';
import type { Spool } from '../module/spool.js';
import { chooseAddressee, chooseDelayAddressee, chooseOriginal, chooseReceiptAddressee } from './addressee.js';

export interface NoticePorts {
  readonly clock: Clock;
  readonly spool: Spool;
  readonly supply: Supply;
  readonly entrance: Entrance;
  chains(): Chains;
  /** Options at the place of a mail. */
  options(mail: Mail): OutboundValues;
  nextId(): string;
  readonly host: string;
  readonly signal: AbortSignal;
  log(level: 'warning' | 'error', text: string, cause?: unknown): void;
}

/** What of a notice is to be written, and whether some of it was delivered already. */
interface Entered {
  readonly copies: readonly Copy[];
  readonly arrived?: boolean;
}

/** How soon a disk that did not take an end is asked again. */
const AGAIN_MS = 1000;
const NOTHING: Entered = { copies: [] };

/** RFC 2852 4.1.3: the status is this one, whatever the last answer was. */
const PAST_ITS_TIME = '451 4.4.7 [internal] delivery time expired';

export class Notices {
  readonly #ports: NoticePorts;

  constructor(ports: NoticePorts) {
    this.#ports = ports;
  }

  /** Ends a failed mail. Resolves when its end is on the medium; then `failed` has been told. `quiet` sends no notice. */
  async end(mail: Copy, attempt: Attempt, quiet = false): Promise<void> {
    const { spool, supply, entrance, log } = this.#ports;
    const copies = quiet ? [] : await this.#prepare(mail, attempt);
    if (copies.length > 0) {
      try {
        await spool.replace([mail.ticket], copies);
      } catch (error) {
        // Nothing was recorded: the mail stays, is tried again later and fails again. That is safe; losing its notice is not.
        log('error', `the notice about ${mail.id} could not be recorded`, error);
        supply.putBack([mail]);
        return;
      }
      supply.release(mail);
      entrance.admit(copies);
    } else {
      // In one turn: the ticket may be another mail's at once.
      const ending = spool.purge([mail.ticket]);
      supply.release(mail);
      if (!(await this.#waitFor(ending, mail))) return;
    }
    this.#ports.chains().failed.run(attempt);
    this.#tellBounce(mail, attempt);
  }

  /** Waits until an end is on the medium, through all that its disk does; answers false when the daemon stops before. */
  async #waitFor(ending: Promise<void>, mail: Copy): Promise<boolean> {
    const { spool, clock, signal, log } = this.#ports;
    let waiting = ending;
    for (let tries = 0; ; tries++) {
      try {
        await waiting;
        return true;
      } catch (error) {
        if (tries === 0) log('error', `the end of ${mail.id} could not be recorded yet`, error);
        // Not recorded, not told: after the next start it fails again, and is told then.
        await sleep(clock, AGAIN_MS, signal).catch(() => {});
        if (signal.aborted) return false;
        waiting = spool.flush();
      }
    }
  }

  /** Sends a notice about a mail that a hook refused while others of the same reception were accepted. It was never ours. */
  tellRefused(copy: Copy, attempt: Attempt): Promise<void> {
    return this.#send(copy, 'refused', () => this.#compose(copy, attempt));
  }

  /** Sends a notice that a mail has arrived which was delivered at its reception (RFC 3461 5.2.3). */
  tellArrived(copy: Copy, attempt: Attempt): Promise<void> {
    return this.#send(copy, 'delivered', () => this.#composeReceipt(copy, attempt, 'delivered'));
  }

  /** Makes a notice about a mail that the spool does not have. What goes wrong is said in the log: nobody waits for it. */
  async #send(copy: Copy, fate: string, compose: () => MadeMessage | undefined | Promise<MadeMessage | undefined>): Promise<void> {
    try {
      const notice = await compose();
      const copies = notice ? await this.#enter(copy, notice) : [];
      if (copies.length === 0) return;
      await this.#ports.spool.write(copies);
      this.#ports.entrance.admit(copies);
    } catch (error) {
      this.#ports.log('error', `the notice about the ${fate} ${copy.id} could not be recorded`, error);
    }
  }

  /** bounce_pattern leaves out mail of other senders. */
  #tellBounce(mail: Copy, attempt: Attempt): void {
    const { bounced } = this.#ports.chains();
    if (bounced.empty) return;
    const pattern = this.#ports.options(mail).bounce_pattern;
    if (pattern && !pattern.test(mail.sender ? String(mail.sender) : '')) return;
    bounced.run({
      mail,
      place: attempt.place,
      at: attempt.at,
      connectionId: attempt.connectionId,
      recipient: mail.recipient,
      sender: mail.sender,
      stage: attempt.stage,
      bounceClass: attempt.bounceClass,
      ip: attempt.hop?.ip ?? '',
      reply: attempt.reply,
    });
  }

  /** Tells the sender that a mail is late (RFC 3461 5.2.6), or `past` the time that he set (RFC 2852 4.1.3). Answers whether a notice is on its way; rejects when the spool cannot take it. */
  async tellDelay(mail: Mail, past = false): Promise<boolean> {
    const { entrance, spool } = this.#ports;
    const notice = await this.#composeDelay(mail, past);
    const { copies, arrived = false } = notice ? await this.#offer(mail, notice) : NOTHING;
    if (copies.length === 0) return arrived;
    await spool.write(copies);
    entrance.admit(copies);
    return true;
  }

  /**
   * Ends a mail that was delivered and whose sender asked to hear of it (RFC 3461 5.2.2 and 5.2.3). Its end and the notice are one
   * record; where that cannot be, the notice is given up: the mail is not sent twice for it.
   */
  async confirm(mail: Copy, attempt: Attempt, action: 'delivered' | 'relayed'): Promise<void> {
    const { spool, supply, entrance, log } = this.#ports;
    try {
      const notice = await this.#composeReceipt(mail, attempt, action);
      const copies = notice ? await this.#enter(mail, notice) : [];
      if (copies.length > 0) {
        await spool.replace([mail.ticket], copies);
        supply.release(mail);
        entrance.admit(copies);
        return;
      }
    } catch (error) {
      log('error', `the notice that ${mail.id} was ${action} could not be recorded`, error);
    }
    spool.gone(mail.ticket);
    supply.release(mail);
  }

  async #prepare(mail: Copy, attempt: Attempt): Promise<readonly Copy[]> {
    const notice = await this.#compose(mail, attempt);
    return notice ? this.#enter(mail, notice) : [];
  }

  /** What of a notice is to be written; nothing when it was refused, dropped, or has arrived already. */
  async #enter(mail: Mail, notice: MadeMessage): Promise<readonly Copy[]> {
    return (await this.#offer(mail, notice)).copies;
  }

  async #offer(mail: Mail, notice: MadeMessage): Promise<Entered> {
    const prepared = await this.#ports.entrance.prepare(notice, this.#ports.signal);
    if ('copies' in prepared) return prepared;
    this.#ports.log('warning', `the notice about ${mail.id} was refused: ${formatOneLine(prepared.refused)}`);
    return NOTHING;
  }

  async #compose(mail: Copy, attempt: Attempt): Promise<MadeMessage | undefined> {
    const options = this.#ports.options(mail);
    const to = chooseAddressee(mail, options);
    if (!to) return undefined;
    const plain: Notice = {
      send: true,
      to,
      from: this.#nameSender(options),
      subject: `Undelivered mail: ${mail.recipient}`,
      text: `Your message to ${mail.recipient} could not be delivered.\n\nThe last answer was:\n    ${attempt.reply}\n\nThe message is not tried any more. Its id here was ${mail.id}.`,
    };
    const notice = await this.#ports.chains().bounce_make.run(plain, mail, attempt);
    if (!notice.send) return undefined;
    const recipient: FailedRecipient = {
      address: mail.recipient,
      original: mail.originalRecipient,
      action: 'failed',
      reply: attempt.reply,
      remoteHost: attempt.hop?.name,
      lastAttempt: formatDate(attempt.at),
    };
    return this.#format(mail, notice, recipient, chooseOriginal(mail, options));
  }

  async #composeDelay(mail: Mail, past: boolean): Promise<MadeMessage | undefined> {
    const options = this.#ports.options(mail);
    const to = chooseDelayAddressee(mail);
    if (!to) return undefined;
    const { receivedAt } = mail.reception;
    const retryUntil = formatDate(receivedAt + options.message_expiration * 1000);
    const reply = mail.lastReply === '' ? '450 4.4.0 [internal] not attempted yet' : mail.lastReply;
    const plain: Notice = {
      send: true,
      to,
      from: this.#nameSender(options),
      subject: `Delayed mail: ${mail.recipient}`,
      text: `Your message to ${mail.recipient} has not been delivered yet. You do not need to send it again: it is tried until\n    ${retryUntil}\n\nThe last answer was:\n    ${reply}\n\nIts id here is ${mail.id}.`,
    };
    const notice = await this.#ports.chains().delay_make.run(plain, mail);
    if (!notice.send) return undefined;
    const recipient: FailedRecipient = {
      address: mail.recipient,
      original: mail.originalRecipient,
      action: 'delayed',
      reply: past ? PAST_ITS_TIME : reply,
      remoteHost: undefined,
      lastAttempt: undefined,
      retryUntil,
    };
    return this.#format(mail, notice, recipient, { headers: mail.headers.bytes(), body: undefined });
  }

  /** Of what arrived the headers go along at most, whatever RET says (RFC 3461 6.2). */
  async #composeReceipt(mail: Copy, attempt: Attempt, action: 'delivered' | 'relayed'): Promise<MadeMessage | undefined> {
    const by = readDeliverBy(mail.facts.get('deliver_by'));
    const to = chooseReceiptAddressee(mail, action === 'relayed' && by !== undefined);
    if (!to) return undefined;
    const fate =
      action === 'delivered'
        ? 'was delivered.'
        : `was handed on to ${attempt.hop?.name ?? 'the next server'}${by ? '.' : ', which does not tell what becomes of it. You will not hear of its arrival.'}`;
    const plain: Notice = {
      send: true,
      to,
      from: this.#nameSender(this.#ports.options(mail)),
      subject: `${action === 'delivered' ? 'Delivered' : 'Relayed'} mail: ${mail.recipient}`,
      text: `Your message to ${mail.recipient} ${fate}\n\nThe answer was:\n    ${attempt.reply}\n\nIts id here was ${mail.id}.`,
    };
    const notice = await this.#ports.chains().receipt_make.run(plain, mail, attempt);
    if (!notice.send) return undefined;
    const recipient: FailedRecipient = {
      address: mail.recipient,
      original: mail.originalRecipient,
      action,
      reply: attempt.reply,
      remoteHost: attempt.hop?.name,
      lastAttempt: formatDate(attempt.at),
    };
    return this.#format(mail, notice, recipient, { headers: mail.headers.bytes(), body: undefined });
  }

  #nameSender(options: OutboundValues): string {
    return options.mailerdaemon ?? `Mail Delivery Subsystem <mailer-daemon@${this.#ports.host}>`;
  }

  #format(mail: Mail, notice: Notice, recipient: FailedRecipient, original: NoticeFacts['original']): MadeMessage {
    const { host, clock } = this.#ports;
    const id = this.#ports.nextId();
    const by = readDeliverBy(mail.facts.get('deliver_by'));
    const { headers, body, eightBit } = formatNotice({
      ...notice,
      date: formatDate(clock.now()),
      messageId: `<${id.replace('/', '.')}@${host}>`,
      boundary: `=_${id.replace('/', '.')}`,
      reportingHost: host,
      envelopeId: mail.reception.envelopeId,
      arrivalDate: formatDate(mail.reception.receivedAt),
      deliverByDate: by && formatDate(by.at),
      recipient,
      original,
    });
    const dots = body.includes('\n.');
    return {
      sender: null,
      recipients: [notice.to],
      headers,
      content: new ResidentBody([body], body.length, dots, eightBit),
      protocol: 'internal',
      notice: true,
      // RFC 6710 4.6.
      priority: mail.priority,
    };
  }
}
