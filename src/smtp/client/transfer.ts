/**
 * Mail over a session that was greeted. With PIPELINING the commands of a transaction are one write, and those of the next one ride
 * on the end of the message before it (RFC 2920 3.1), so that a busy connection costs one read and one write a message.
 *
 * Long: one state machine, whose steps share their state and are only understood together.
 */
import { STAGE, type Stage } from '../../module/attempt.js';
import { type Batch, outcomeOf, settleOne } from './batch.js';
import { isLarge, putContent, streamContent, streamSevenBit } from './content.js';
import { findObstacle, formatMail, formatRcpt, needsDowngrade } from './envelope.js';
import { SILENCES, STAGES, type Step } from './phases.js';
import type { ClientSession, Failure } from './session.js';
import { WORDS } from './words.js';

/** A server that takes longer to confirm a message does not get the next one in advance: another connection may be free sooner. */
const PROMPT_MS = 100;

export class Transfer {
  readonly #session: ClientSession;
  #step: Step = 'idle';
  #current: Batch | undefined;
  /** Its commands went out behind the current message. */
  #riding: Batch | undefined;
  /** A transaction may be open at the server that was not ended by a message. */
  #dirty = false;
  /** No further batch is taken. */
  #leaving = false;
  /** Ends with 421, or with a stop: the riding batch is not gone on with. */
  #ending = false;
  #isPrompt = false;
  #sentAt = 0;
  /** Wakes the streaming of a large body. */
  #resume: (() => void) | undefined;
  #filling = false;

  constructor(session: ClientSession) {
    this.#session = session;
  }

  get idle(): boolean {
    return this.#step === 'idle';
  }

  get awaitsConfirmation(): boolean {
    return this.#step === 'dot';
  }

  get stage(): Stage {
    return STAGES[this.#step];
  }

  /** What is said when the server is silent now. */
  get silence(): string {
    return SILENCES[this.#step];
  }

  /** Asks the owner for work; without any the session is idle, or over when it is to leave. */
  fill(): void {
    // `concluded` of a batch that was never sent comes back here; the loop below goes on instead.
    if (this.#filling) return;
    this.#filling = true;
    const session = this.#session;
    while (!this.#leaving && this.#step === 'idle' && !session.hasClosed) {
      const batch = session.owner.next(session, false);
      if (!batch) break;
      this.#open(batch);
    }
    this.#filling = false;
    if (this.#step !== 'idle' || session.hasClosed) return;
    if (this.#leaving) session.end('quit');
    else session.wire.expect(session.terms.timeouts.idleMs);
  }

  begin(batch: Batch): void {
    if (this.#step !== 'idle' || this.#session.hasClosed) throw new RangeError(`session ${this.#session.id} is busy`);
    this.#open(batch);
    if (this.#step === 'idle') this.fill();
  }

  leave(): void {
    this.#leaving = true;
    if (this.#step === 'idle' && !this.#filling) this.#session.end('quit');
  }

  stop(): void {
    this.#leaving = true;
    if (this.#step === 'dot') {
      this.#ending = true;
      return;
    }
    const session = this.#session;
    if (this.#step === 'idle') {
      session.end('quit');
      return;
    }
    this.#quitOn();
  }

  drained(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  /** The connection is lost: whoever waits for an answer gets this one. */
  breakOff(failure: Failure): void {
    const batch = this.#current;
    if (batch) {
      const wasSilent = failure.kind === 'closed' && this.#isUntouched(batch);
      // A kept connection may be closed by the server at any moment between messages: that says nothing about this mail.
      if (!wasSilent || this.#session.deliveries === 0) this.#settleLost(batch, failure);
    }
    this.#dropAll();
  }

  /** With the commands of a rider behind it nobody knows whether the final dot was among what did not leave. */
  #settleLost(batch: Batch, { reply, stage }: Failure): void {
    const neverLeft = this.#step === 'dot' && !this.#riding && this.#session.wire.hadUnsent;
    if (neverLeft) batch.settle('deferred', reply === WORDS.noBody ? WORDS.bodyFailed : reply, STAGE.sendingBody);
    else batch.settle('deferred', reply, stage, this.#step === 'dot');
  }

  answered(code: number): void {
    const batch = this.#current;
    if (!batch) {
      // The server may say goodbye to an idle session; nothing else is ours to hear.
      code === 421 ? this.#session.end(undefined) : this.#session.wire.accuse('reply without a command');
      return;
    }
    switch (this.#step) {
      case 'rset':
        this.#afterRset(batch, code);
        return;
      case 'mail':
        this.#afterMail(batch, code);
        return;
      case 'rcpt':
        this.#afterRcpt(batch, code);
        return;
      case 'data':
        this.#afterData(batch, code);
        return;
      case 'body':
        this.#duringBody(batch, code);
        return;
      case 'dot':
        this.#afterDot(batch, code);
        return;
      case 'void':
        this.#dirty = false;
        this.#finish(batch);
        return;
      default:
        return;
    }
  }

  /** Sends the first commands of a batch, or ends it when this server cannot have it. */
  #open(batch: Batch): void {
    const session = this.#session;
    if (this.#endImpossible(batch)) return;
    this.#current = batch;
    const { outbox } = session.kit;
    const rset = this.#dirty;
    if (rset) outbox.text('RSET\r\n');
    if (session.can.pipelining) this.#putCommands(batch);
    else if (!rset) outbox.text(formatMail(batch, session.can, session.terms, session.kit.clock.now()));
    session.wire.send();
    this.#await(rset ? 'rset' : 'mail');
  }

  #putCommands(batch: Batch): void {
    const { kit, can, terms } = this.#session;
    let lines = formatMail(batch, can, terms, kit.clock.now());
    for (const mail of batch.mails) lines += formatRcpt(mail, can, kit.clock.now());
    kit.outbox.text(`${lines}DATA\r\n`);
    this.#session.recipients += batch.mails.length;
  }

  #await(step: Step): void {
    this.#step = step;
    const { timeouts } = this.#session.terms;
    const ms =
      step === 'rcpt' ? timeouts.rcptToMs : step === 'mail' ? timeouts.mailFromMs : step === 'rset' ? timeouts.rsetMs : timeouts.bodyMs;
    this.#session.wire.expect(ms);
  }

  #afterRset(batch: Batch, code: number): void {
    const { wire, can, terms } = this.#session;
    this.#dirty = false;
    // Nobody asked about this batch yet, and the one before made its way: another connection takes it.
    if (code >= 400) {
      this.#quitOn();
      return;
    }
    this.#await('mail');
    if (!can.pipelining) wire.say(formatMail(batch, can, terms, this.#session.kit.clock.now()));
  }

  #afterMail(batch: Batch, code: number): void {
    const session = this.#session;
    if (code === 421) {
      this.#giveUp(batch, STAGE.afterMailFrom);
      return;
    }
    if (code < 300) batch.open = true;
    else if (code < 400) {
      session.wire.accuse(`${code} to MAIL`);
      return;
    } else batch.settle(outcomeOf(code), session.wire.oneLine(), STAGE.afterMailFrom);
    if (session.can.pipelining) {
      this.#await('rcpt');
      return;
    }
    if (!batch.open) {
      this.#finish(batch);
      return;
    }
    this.#await('rcpt');
    this.#sayRcpt(batch);
  }

  #sayRcpt(batch: Batch): void {
    const mail = batch.mails[batch.answered];
    if (!mail) return;
    this.#session.recipients++;
    this.#session.wire.say(formatRcpt(mail, this.#session.can, this.#session.kit.clock.now()));
  }

  #afterRcpt(batch: Batch, code: number): void {
    const session = this.#session;
    if (code === 421) {
      this.#giveUp(batch, STAGE.afterRcptTo);
      return;
    }
    const i = batch.answered++;
    const result = batch.results[i];
    if (batch.open && result) {
      if (code < 300) {
        batch.accepted[i] = true;
        batch.acceptedCount++;
      } else if (code < 400) {
        session.wire.accuse(`${code} to RCPT`);
        return;
      } else settleOne(result, outcomeOf(code), session.wire.oneLine(), STAGE.afterRcptTo);
    }
    const isLast = batch.answered === batch.mails.length;
    if (session.can.pipelining) {
      this.#await(isLast ? 'data' : 'rcpt');
      return;
    }
    if (!isLast) {
      this.#await('rcpt');
      this.#sayRcpt(batch);
      return;
    }
    if (batch.acceptedCount === 0) {
      this.#dirty = true;
      this.#finish(batch);
      return;
    }
    this.#await('data');
    session.wire.say('DATA\r\n');
  }

  #afterData(batch: Batch, code: number): void {
    const session = this.#session;
    if (code === 354) {
      if (session.wire.hasUnread) {
        session.wire.accuse('reply before its command');
        return;
      }
      if (batch.acceptedCount > 0) {
        this.#sendContent(batch);
        return;
      }
      // RFC 2920 3.1: a server that takes DATA for nobody gets an empty message.
      if (session.terms.lmtp) {
        session.wire.accuse('354 without a recipient');
        return;
      }
      session.wire.say('.\r\n');
      this.#await('void');
      return;
    }
    if (code < 400) {
      session.wire.accuse(`${code} to DATA`);
      return;
    }
    if (code === 421) {
      this.#giveUp(batch, STAGE.afterData);
      return;
    }
    batch.settle(outcomeOf(code), session.wire.oneLine(), STAGE.afterData);
    this.#dirty = true;
    this.#finish(batch);
  }

  #sendContent(batch: Batch): void {
    const session = this.#session;
    const [first] = batch.mails;
    if (!first) return;
    const { downgrade } = session.terms;
    if (downgrade !== 'no' && needsDowngrade(batch, session.can, session.terms)) {
      return void this.#stream(batch, streamSevenBit(first, downgrade));
    }
    if (isLarge(first)) return void this.#stream(batch, streamContent(first));
    const { outbox } = session.kit;
    // The owner is asked before anything lies in the outbox, which all sessions share.
    const rider = this.#takeRider();
    if (session.hasClosed) return;
    putContent(first, outbox);
    if (rider) this.#putCommands(rider);
    this.#isSent(batch);
    session.wire.send();
  }

  /** The batch whose commands ride on the end of this message, if there is one. */
  #takeRider(): Batch | undefined {
    const session = this.#session;
    if (!this.#isPrompt || this.#leaving || !session.can.pipelining) return undefined;
    const rider = session.owner.next(session, true);
    if (!rider || this.#endImpossible(rider)) return undefined;
    this.#riding = rider;
    return rider;
  }

  /** Ends a batch that this server cannot have. */
  #endImpossible(batch: Batch): boolean {
    const session = this.#session;
    const obstacle = findObstacle(batch, session.can, session.terms, session.kit.clock.now(), session.judgement?.isProven === true);
    if (obstacle === undefined) return false;
    batch.settle('failed', obstacle, STAGE.idle);
    session.owner.concluded(session, batch);
    return true;
  }

  /** The final dot is on its way. */
  #isSent(batch: Batch): void {
    const [first] = batch.mails;
    const size = first?.size ?? 0;
    for (let i = 0; i < batch.results.length; i++) {
      const result = batch.results[i];
      if (result && batch.accepted[i]) result.bytes = size;
    }
    this.#step = 'dot';
    batch.answered = 0;
    const { wire, terms, kit } = this.#session;
    this.#sentAt = kit.clock.mono();
    wire.dueAt = this.#sentAt + terms.timeouts.bodyMs + size;
  }

  /** Sends a message that is not in memory, or too large for one write, as fast as the server takes it. */
  async #stream(batch: Batch, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const session = this.#session;
    const { wire, terms } = session;
    const [first] = batch.mails;
    if (!first) return;
    this.#step = 'body';
    wire.expect(terms.timeouts.bodyMs + first.size);
    try {
      for await (const piece of pieces) {
        if (this.#current !== batch || session.hasClosed) return;
        for (const result of batch.results) if (result.outcome === 'unsent') result.bytes += piece.length;
        if (!wire.write(piece)) await new Promise<void>((done) => (this.#resume = done));
      }
    } catch (error) {
      // The message cannot be read: it is not the server's fault, but the dialogue cannot go on.
      if (this.#current === batch && !session.hasClosed) this.#fail(batch, error);
      return;
    }
    if (this.#current !== batch || session.hasClosed) return;
    this.#isSent(batch);
    wire.say('.\r\n');
  }

  #fail(batch: Batch, error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    const failure: Failure = { kind: 'closed', reply: WORDS.bodyFailed, stage: STAGE.sendingBody, detail };
    batch.settle('deferred', failure.reply, failure.stage);
    this.#dropAll();
    this.#session.fail(failure);
  }

  /** The server spoke while the message was still on its way: it may refuse it, nothing else. Its end is lost, so is the session. */
  #duringBody(batch: Batch, code: number): void {
    if (code < 400) {
      this.#session.wire.accuse(`${code} before the end of the message`);
      return;
    }
    batch.settle(outcomeOf(code), this.#session.wire.oneLine(), STAGE.sendingBody);
    this.#quitOn();
  }

  #afterDot(batch: Batch, code: number): void {
    const session = this.#session;
    if (code >= 300 && code < 400) {
      session.wire.accuse(`${code} to the end of the message`);
      return;
    }
    const { lmtp } = session.terms;
    const outcome = outcomeOf(code);
    const reply = session.wire.oneLine();
    if (lmtp) {
      // RFC 2033 4.2: one answer for each accepted recipient, in their order.
      while (batch.answered < batch.mails.length && !batch.accepted[batch.answered]) batch.answered++;
      const result = batch.results[batch.answered++];
      if (result) settleOne(result, outcome, reply, STAGE.readingConfirmation);
      if (outcome === 'delivered') session.deliveries++;
      if (--batch.acceptedCount > 0) {
        session.wire.expect(session.terms.timeouts.bodyMs);
        return;
      }
    } else {
      if (outcome === 'delivered') session.deliveries += batch.acceptedCount;
      batch.settle(outcome, reply, STAGE.readingConfirmation);
      if (code === 421) this.#ending = true;
    }
    this.#isPrompt = session.kit.clock.mono() - this.#sentAt <= PROMPT_MS;
    this.#finish(batch);
  }

  /** The server ends the session with 421. What it says goes for all who have no answer yet. */
  #giveUp(batch: Batch, stage: Stage): void {
    const session = this.#session;
    // A server that has had enough of this session says nothing about a mail it has not heard of.
    if (session.deliveries === 0 || !this.#isUntouched(batch)) batch.settle('deferred', session.wire.oneLine(), stage);
    this.#quitOn();
  }

  #quitOn(): void {
    this.#dropAll();
    this.#session.end(undefined);
  }

  #isUntouched(batch: Batch): boolean {
    return !batch.open && batch.answered === 0 && (this.#step === 'rset' || this.#step === 'mail');
  }

  /** All mails of the batch have their result. */
  #finish(batch: Batch): void {
    const session = this.#session;
    const rider = this.#riding;
    this.#current = this.#riding = undefined;
    if (this.#ending) {
      this.#step = 'idle';
      session.owner.concluded(session, batch);
      if (rider) session.owner.concluded(session, rider);
      // Behind the rider's DATA a QUIT would be taken for a line of its message.
      session.end(rider ? undefined : 'quit');
      return;
    }
    if (rider) {
      this.#current = rider;
      this.#await('mail');
      session.owner.concluded(session, batch);
      return;
    }
    this.#step = 'idle';
    // Held back from `begin` until the owner knows about this batch.
    this.#filling = true;
    session.owner.concluded(session, batch);
    this.#filling = false;
    if (!session.hasClosed) this.fill();
  }

  /** Gives back whatever is in hand; results that are set stay. */
  #dropAll(): void {
    const session = this.#session;
    const { owner } = session;
    const dropped = [this.#current, this.#riding];
    this.#current = this.#riding = undefined;
    this.#step = 'idle';
    this.#leaving = true;
    this.drained();
    for (const batch of dropped) if (batch) owner.concluded(session, batch);
  }
}
