/** What follows when a mail fails for good: its notice and its end become durable together, and only then is the failure told. */
import type { OutboundValues } from '../config/snapshot.js';
import { type Clock, sleep } from '../kernel/clock.js';
import { type Address, toAddress } from '../mail/address.js';
import { formatDate } from '../mail/date.js';
import { type FailedRecipient, formatNotice, type NoticeFacts } from '../mail/dsn.js';
import type { Attempt } from '../module/attempt.js';
import { type Copy, ResidentBody } from '../module/copy.js';
import type { Entrance, MadeMessage, Supply } from '../module/flow.js';
import type { Chains } from '../module/hook-set.js';
import type { Notice } from '../module/hooks.js';
import { type Mail, NOTIFY } from '../module/message.js';
import type { Spool } from '../module/spool.js';

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

/** How soon a disk that did not take an end is asked again. */
const AGAIN_MS = 1000;
/** A whole original above this size goes along as its headers only. */
const LARGEST_WHOLE = 1 << 20;

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
  async tellRefused(copy: Copy, attempt: Attempt): Promise<void> {
    const copies = await this.#prepare(copy, attempt);
    if (copies.length === 0) return;
    try {
      await this.#ports.spool.write(copies);
      this.#ports.entrance.admit(copies);
    } catch (error) {
      this.#ports.log('error', `the notice about the refused ${copy.id} could not be recorded`, error);
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

  /** Tells the sender that a mail is late (RFC 3461 5.2.6). Answers whether a notice is on its way; rejects when the spool cannot take it. */
  async tellDelay(mail: Mail): Promise<boolean> {
    const { entrance, spool } = this.#ports;
    const notice = await this.#composeDelay(mail);
    const copies = notice ? await this.#enter(mail, notice) : [];
    if (copies.length === 0) return false;
    await spool.write(copies);
    entrance.admit(copies);
    return true;
  }

  async #prepare(mail: Copy, attempt: Attempt): Promise<readonly Copy[]> {
    const notice = await this.#compose(mail, attempt);
    return notice ? this.#enter(mail, notice) : [];
  }

  async #enter(mail: Mail, notice: MadeMessage): Promise<readonly Copy[]> {
    const prepared = await this.#ports.entrance.prepare(notice, this.#ports.signal);
    if ('copies' in prepared) return prepared.copies;
    this.#ports.log('warning', `the notice about ${mail.id} was refused by policy: ${prepared.refused.text}`);
    return [];
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

  async #composeDelay(mail: Mail): Promise<MadeMessage | undefined> {
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
      reply,
      remoteHost: undefined,
      lastAttempt: undefined,
      retryUntil,
    };
    return this.#format(mail, notice, recipient, { headers: mail.headers.bytes(), body: undefined });
  }

  #nameSender(options: OutboundValues): string {
    return options.mailerdaemon ?? `Mail Delivery Subsystem <mailer-daemon@${this.#ports.host}>`;
  }

  #format(mail: Mail, notice: Notice, recipient: FailedRecipient, original: NoticeFacts['original']): MadeMessage {
    const { host, clock } = this.#ports;
    const id = this.#ports.nextId();
    const { headers, body, eightBit } = formatNotice({
      ...notice,
      date: formatDate(clock.now()),
      messageId: `<${id.replace('/', '.')}@${host}>`,
      boundary: `=_${id.replace('/', '.')}`,
      reportingHost: host,
      envelopeId: mail.reception.envelopeId,
      arrivalDate: formatDate(mail.reception.receivedAt),
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
    };
  }
}

/** Who hears of it: the sender, or for mail without one the mailbox of mdn_failures_notify. A notice never causes another. */
export function chooseAddressee(
  mail: Copy,
  options: Pick<OutboundValues, 'generate_bounces' | 'mdn_failures_notify'>,
): Address | undefined {
  if (mail.notice || !options.generate_bounces) return undefined;
  if (mail.notify !== 0 && (mail.notify & NOTIFY.failure) === 0) return undefined;
  if (mail.sender) return mail.sender;
  return options.mdn_failures_notify === undefined ? undefined : toAddress(options.mdn_failures_notify);
}

/** Who hears that a mail is late: its sender, unless NOTIFY asks for other things only (RFC 3461 4.1). Never for mail without one. */
export function chooseDelayAddressee(mail: Pick<Mail, 'notice' | 'notify' | 'sender'>): Address | undefined {
  if (mail.notice || (mail.notify !== 0 && (mail.notify & NOTIFY.delay) === 0)) return undefined;
  return mail.sender ?? undefined;
}

function chooseOriginal(mail: Copy, options: Pick<OutboundValues, 'bounces_inline_original'>) {
  const wanted =
    // A body that had to be encrypted all the way does not come back in clear (RFC 8689 5).
    mail.reception.requireTls
      ? 'headers'
      : mail.reception.returnContent === 'full'
        ? 'all'
        : mail.reception.returnContent === 'headers'
          ? 'headers'
          : options.bounces_inline_original;
  if (wanted === 'none') return undefined;
  const headers = mail.headers.bytes();
  const whole = wanted === 'all' && mail.content.resident !== undefined && mail.size <= LARGEST_WHOLE;
  return { headers, body: whole ? mail.content.resident : undefined };
}
