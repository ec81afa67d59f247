/** How the content of a message comes in, by DATA or BDAT, until the reception has answered for it. */
import type { Reply } from '../../mail/reply.js';
import type { Refusal, Verdict } from '../../module/verdict.js';
import { Content } from './content.js';
import type { Later, ReceivedContent } from './reception.js';
import { MODE, PHASE, STEP, type Step } from './states.js';
import { isLater, Talk } from './talk.js';
import * as words from './words.js';

const BDAT = /^BDAT (\d{1,12})( LAST)?$/i;

export abstract class Intake<Own> extends Talk<Own> {
  /** There was input behind the command that is being answered. */
  protected moreBehind = false;
  /** A chunk of this transaction was refused; only RSET helps. */
  protected chunksFailed = false;
  /** How the current chunk will be answered when it is not taken. */
  protected chunkFate: Reply | undefined = undefined;
  /** The fate is a refusal of the engine, not of the reception. */
  protected chunkFateIsOurs = true;
  /** What came of a refused chunk so far, without a message; part of Progress. */
  drained: { readonly startedAt: number; size: number } | undefined = undefined;
  private chunkLeft = 0;
  private chunkIsLast = false;
  /** The chunk is complete; its answer waits for the store. */
  private chunkEndWaits = false;

  /** Octets of the message that is coming in; 0 when none is. */
  get incoming(): number {
    return this.content?.size ?? 0;
  }

  get isHalted(): boolean {
    return this.wire.halted;
  }

  /** Reads no more of the message that is coming in, for want of memory. */
  halt(): void {
    this.wire.halt();
  }

  /** Ends a halt; the time it took is not the client's. */
  unhalt(): void {
    if (!this.wire.halted) return;
    this.content?.restart(this.house.coarseNow);
    this.inputAt = this.house.coarseNow;
    this.rearm();
    this.wire.unhalt();
  }

  /** A command came that has to wait for the reply to the one before it. */
  protected abstract pipelined(verb: string, line: string): void;

  protected contentRefusal(): words.Phrase | undefined {
    if (!this.transaction) return this.helo === undefined && this.options.require_ehlo ? words.HELO_NEEDED : words.DATA_WITHOUT_MAIL;
    return this.transaction.recipients.length === 0 ? words.DATA_WITHOUT_RCPT : undefined;
  }

  protected beginContent(chunked: boolean): void {
    const { coarseNow, hostname } = this.house;
    const form = !chunked ? 'data' : this.transaction?.params.binaryMime ? 'octets' : 'chunks';
    this.content = new Content(this.options, this.options.received_hostname ?? hostname, form, coarseNow);
    this.rearm();
  }

  protected bdat(line: string) {
    const parts = BDAT.exec(line);
    if (!parts) {
      // How many octets follow is not known, and none of them may be taken for a command.
      return this.leave(words.BAD_CHUNK, this.phase, 'BDAT', line);
    }
    this.commandLine = line;
    this.chunkLeft = Number(parts[1]);
    this.chunkIsLast = parts[2] !== undefined;
    this.chunkFateIsOurs = true;
    this.chunkFate = this.current.chunking ? this.contentRefusal() : words.NOT_IMPLEMENTED;
    if (this.chunksFailed) this.chunkFate ??= words.CHUNK_AFTER_ERROR;
    const most = this.options.max_message_size;
    if (most > 0 && (this.content?.size ?? 0) + this.chunkLeft > 2 * most) return this.leave(words.TOO_LARGE, PHASE.body, 'BDAT', line);
    if (this.chunkFate || this.content) return this.beginChunk();
    this.askRecipients(STEP.chunk);
  }

  protected beginChunk() {
    if (!this.chunkFate && !this.content) this.beginContent(true);
    this.phase = PHASE.body;
    if (this.chunkLeft === 0) return this.endChunk();
    this.mode = MODE.chunk;
    if (this.content) return;
    this.drained = { startedAt: this.house.coarseNow, size: 0 };
    this.rearm();
  }

  protected endChunk(): void {
    this.mode = MODE.command;
    this.drained = undefined;
    const fate = this.chunkFate ?? (this.content?.draining ? words.TOO_LARGE : undefined);
    if (fate) {
      this.chunksFailed = this.transaction !== undefined;
      this.dropContent();
      if (!this.chunkFateIsOurs) this.answer('BDAT', this.commandLine, fate);
      else if (fate === words.TOO_LARGE) this.refuse('BDAT', this.commandLine, fate);
      else this.error('BDAT', this.commandLine, fate);
    } else if (this.chunkIsLast) this.endContent();
    else this.wire.say(words.CHUNK_ACCEPTED.wire);
  }

  protected takeData(chunk: Buffer, at: number): number {
    const content = this.content;
    if (!content) return chunk.length;
    const end = content.takeDotted(chunk, at);
    if (end >= 0) {
      this.mode = MODE.command;
      this.endContent();
      return end;
    }
    this.afterOctets(content);
    return chunk.length;
  }

  protected takeChunk(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.chunkLeft);
    this.chunkLeft -= end - at;
    if (this.drained) this.drained.size += end - at;
    const content = this.content;
    if (content && !this.chunkFate) {
      content.takeChunk(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
      this.afterOctets(content);
    }
    if (this.chunkLeft === 0 && !this.wire.closing) {
      if (this.step === STEP.store) this.chunkEndWaits = true;
      else this.endChunk();
    }
    return end;
  }

  /** Watches the limits of what is in memory. */
  protected afterOctets(content: Content) {
    if (content.draining) {
      if (content.overflowing) this.leave(words.TOO_LARGE, PHASE.body);
      return;
    }
    if (content.stored) return this.waitForStore(content.spill());
    const { reception } = this.house;
    if (!reception.largeBody || content.residentBytes <= this.house.largeBodyBytes()) return;
    let opened: Promise<void>;
    try {
      opened = reception.largeBody(this).then((store) => {
        if (this.content !== content) return store.abandon();
        content.storeIn(store);
        return content.spill();
      });
    } catch (error) {
      opened = Promise.reject(error);
    }
    this.waitForStore(opened);
  }

  protected waitForStore(written: void | Promise<void>): void {
    if (!written) return;
    this.pause(STEP.store);
    written.then(this.onStored, this.onFailure);
  }

  private readonly onStored = () =>
    this.resume(() => {
      if (!this.chunkEndWaits) return;
      this.chunkEndWaits = false;
      this.endChunk();
    });

  protected endContent() {
    const content = this.content;
    if (!content) return;
    this.phase = PHASE.sayBody;
    const refusal = content.judge();
    if (refusal) return this.refuseMessage(refusal);
    const ready = content.finish();
    if (!(ready instanceof Promise)) return this.offer(ready);
    this.pause(STEP.content);
    ready.then(this.onContent, this.onFailure);
  }

  private readonly onContent = (ready: ReceivedContent) => this.resume(() => this.offer(ready));

  protected offer(ready: ReceivedContent | Reply) {
    if ('code' in ready) return this.refuseMessage(ready);
    this.content = undefined;
    let said: Later<Reply | readonly Reply[]>;
    try {
      said = this.house.reception.message(this, ready);
    } catch (error) {
      said = this.fail(error).reply;
    }
    if (!isLater(said)) return this.endMessage(said);
    this.pause(STEP.message);
    said.then(this.onMessage, this.onFailure);
  }

  private readonly onMessage = (said: Reply | readonly Reply[]) => {
    // Nobody is there to hear it: the message is decided about all the same.
    if (this.isGone || this.wire.closing) this.transaction = undefined;
    this.resume(() => this.endMessage(said));
  };

  /** A refusal of the engine's own, after the last octet. */
  protected refuseMessage(reply: Reply): void {
    this.dropContent();
    this.house.reception.refused(this, PHASE.sayBody, reply);
    const count = this.transaction?.recipients.length ?? 1;
    this.reset();
    this.sayForAll(reply, count);
    if (reply !== words.LONE_IN_BODY && reply !== words.LONE_IN_HEADERS) return;
    this.hangUp();
  }

  protected endMessage(said: Reply | readonly Reply[]): void {
    const count = this.transaction?.recipients.length ?? 1;
    this.endTransaction();
    this.phase = PHASE.awaitMail;
    let accepted = false;
    let ends = false;
    const replies = 'code' in said ? [said] : said;
    for (const reply of replies) {
      accepted ||= reply.code < 400;
      ends ||= reply.code === 421;
    }
    if (accepted) {
      this.messages++;
      this.pace.forgive();
    }
    const [first = words.STUCK] = replies;
    if (!this.lmtp || replies.length === 1) this.sayForAll(first, count);
    else for (let i = 0; i < count; i++) this.answer('.', '.', replies[i] ?? words.STUCK);
    if (ends) {
      this.hangUp();
    } else if (this.farewell) this.shutDown();
  }

  /** The message of this transaction was answered for. */
  protected endTransaction(): void {
    this.transaction = undefined;
  }

  /** RFC 2033 4.2: with LMTP every recipient has its own reply. */
  protected sayForAll(reply: Reply, recipients: number): void {
    for (let n = this.lmtp ? recipients : 1; n > 0; n--) this.answer('.', '.', reply);
  }

  protected override dropContent(): void {
    const content = this.content;
    this.chunkEndWaits = false;
    this.content = undefined;
    this.mode = MODE.command;
    content?.abandon()?.catch((error: unknown) => this.house.reception.failed(this, error));
  }

  protected askRecipients(step: typeof STEP.data | typeof STEP.chunk): void {
    this.phase = PHASE.rcptList;
    let said: Later<Verdict>;
    try {
      said = this.house.reception.recipients(this);
    } catch (error) {
      said = this.fail(error);
    }
    this.take(step, said);
  }

  protected data(line: string) {
    if (this.moreBehind) return this.pipelined('DATA', line);
    if (line.length > 4 && line.trimEnd().length > 4) return this.error('DATA', line, words.DATA_ARGUMENT);
    if (!this.mayBringContent('DATA', line)) return;
    // RFC 3030 3: DATA cannot bring it, and only RSET helps then.
    if (this.transaction?.params.binaryMime && !this.content) this.chunksFailed = true;
    if (this.content || this.chunksFailed) return this.error('DATA', line, words.DATA_AFTER_BDAT);
    this.commandLine = line;
    this.askRecipients(STEP.data);
  }

  protected mayBringContent(verb: string, line: string): boolean {
    const refusal = this.contentRefusal();
    if (refusal) this.error(verb, line, refusal);
    return refusal === undefined;
  }

  protected goAhead() {
    if (this.wire.hasQueued) return this.pipelined('DATA', this.commandLine);
    this.phase = PHASE.body;
    this.beginContent(false);
    this.mode = MODE.data;
    this.answer('DATA', this.commandLine, words.GO_AHEAD);
  }

  protected override settleFailure(step: Step, refusal: Refusal): void {
    if (step === STEP.message) this.endMessage(refusal.reply);
    else if (step === STEP.store || step === STEP.content) this.leave(words.STUCK, PHASE.body);
    else this.conclude(step, refusal);
  }

  protected override reset(): void {
    this.chunksFailed = false;
    super.reset();
  }
}
