/**
 * The manners of a session: what modules see of it, questions to the reception and their answers, patience, deadlines, the end.
 * What is asked and in which order stands in intake.ts and session.ts, which extend this.
 */
import type { Socket } from 'node:net';
import type { InboundValues } from '../../config/snapshot.js';
import type { Timer } from '../../kernel/clock.js';
import { Facts } from '../../mail/facts.js';
import type { Reply } from '../../mail/reply.js';
import type { Endpoint, TlsFacts } from '../../module/session.js';
import { FAIL_CLOSED, type Refusal, type Verdict } from '../../module/verdict.js';
import { plainIp } from '../../net/plain-ip.js';
import type { Content } from './content.js';
import { findLateness, nextLook, SLACK_MS } from './deadlines.js';
import type { Door, House } from './house.js';
import { Pace, type Patience } from './pace.js';
import { isLoopback, type Profile } from './profile.js';
import type { Later, ServerSession, SessionEvent, Transaction } from './reception.js';
import { MODE, type Mode, PHASE, STEP, type Step } from './states.js';
import { type Reader, Wire } from './wire.js';
import * as words from './words.js';

/** An answer of the reception that takes longer than this will never come. Hooks have a minute, the spool its own alarms. */
const ANSWER_MS = 300_000;
/** While nothing is read for want of memory, nobody is late; so often it is looked whether that is over. */
const HALT_LOOK_MS = 5_000;
const LINGER_MS = 5_000;
const LONGEST_TARPIT_SECONDS = 600;

export abstract class Talk<Own> implements ServerSession<Own>, Reader {
  readonly id: string;
  /** The client; another one once a proxy told of him. */
  peer: Endpoint;
  readonly stanza: string;
  readonly listener: string;
  readonly lmtp: boolean;
  pathway?: string;
  pathwayGroup?: string;
  readonly facts = new Facts();
  readonly connectedAt: number;
  helo: string | undefined = undefined;
  heloLine = '';
  protocol: 'smtp' | 'esmtp' | 'lmtp' = 'smtp';
  tls: TlsFacts | undefined = undefined;
  user: string | undefined = undefined;
  phase: number = PHASE.connected;
  banner = '';
  messages = 0;
  recipients = 0;
  transaction: Transaction<Own> | undefined = undefined;
  /** Deadline for the watch; looked at again whenever it passes, so input need not move it. */
  dueAt = 0;

  protected readonly house: House<Own>;
  protected readonly wire: Wire;
  protected readonly pace = new Pace();
  protected profile: Profile | undefined = undefined;
  /** EHLO keywords, once a module looked at them. */
  protected keywords: Map<string, string> | undefined = undefined;
  protected mode: Mode = MODE.command;
  protected step: Step = STEP.none;
  /** An answer is being kept back. */
  resting = false;
  /** What to say instead of the next answer, before closing. */
  protected farewell: Reply | undefined = undefined;
  content: Content | undefined = undefined;
  protected securing = false;
  /** There was input behind the header of a proxy. */
  protected spokeEarly = false;
  /** The connection is gone; only an answer is still awaited. */
  protected isGone = false;
  /** Coarse time of the last input; see Progress. */
  inputAt: number;
  /** The command that is being answered. */
  protected commandLine = '';
  protected localEnd: Endpoint | undefined = undefined;
  protected abortion: AbortController | undefined = undefined;
  private earlyWaiter: ((spoke: boolean) => void) | undefined = undefined;
  private askedAt = 0;
  private rest: Timer | undefined = undefined;

  constructor(house: House<Own>, door: Door, socket: Socket, peer: Endpoint) {
    this.house = house;
    this.id = house.nextId();
    this.stanza = door.stanza;
    this.listener = door.listen;
    this.lmtp = door.lmtp;
    this.peer = peer;
    this.connectedAt = house.clock.now();
    this.inputAt = house.coarseNow;
    this.wire = new Wire(socket, this);
  }

  /** Throws RangeError for a client that was never admitted; nobody is told of such a session. */
  get options(): InboundValues {
    return this.current.options;
  }

  get local(): Endpoint {
    this.localEnd ??= { ip: plainIp(this.wire.socket.localAddress), port: this.wire.socket.localPort ?? 0 };
    return this.localEnd;
  }

  get signal(): AbortSignal {
    this.abortion ??= new AbortController();
    if (this.isGone) this.abortion.abort();
    return this.abortion.signal;
  }

  get extensions(): Map<string, string> {
    this.keywords ??= new Map(this.current.keywords(this.tls !== undefined, isLoopback(this.peer.ip)));
    return this.keywords;
  }

  early(seconds: number, signal: AbortSignal): Promise<boolean> {
    if (this.wire.hasQueued || this.spokeEarly) return Promise.resolve(true);
    return new Promise((done) => {
      const finish = (spoke: boolean): void => {
        timer.cancel();
        signal.removeEventListener('abort', stop);
        this.earlyWaiter = undefined;
        done(spoke);
      };
      const stop = (): void => finish(false);
      const timer = this.house.clock.after(seconds * 1000, stop);
      signal.addEventListener('abort', stop, { once: true });
      this.earlyWaiter = finish;
    });
  }

  shutDown(reply: Reply = words.SHUTTING_DOWN): void {
    this.farewell ??= reply;
    if (this.mode !== MODE.command || this.wire.held || this.wire.closing || this.transaction || this.securing) return;
    this.wire.say(words.renderReply(this.farewell));
    this.hangUp();
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.wire.destroy();
  }

  /** Answers whether the client is admitted at all; if not it was told so, and nothing else may be called. */
  admit(): boolean {
    const options = this.house.reception.options(this);
    if (options) {
      this.adopt(options);
      return true;
    }
    this.wire.say(words.SERVICE_UNAVAILABLE.wire);
    this.wire.close();
    this.wire.socket.destroySoon();
    return false;
  }

  interrupted(): boolean {
    if (this.earlyWaiter) {
      this.earlyWaiter(true);
      return false;
    }
    if (!this.resting || this.phase > PHASE.banner) return false;
    this.tellEvent('early_talker', 'data before the banner');
    this.leave(words.EARLY, PHASE.banner);
    return true;
  }

  overran(): void {
    this.tellEvent('overrun', 'more input than may be held');
    this.leave(words.OVERRUN, this.phase);
  }

  ended(): void {
    this.hangUp();
  }

  endedEarly(): void {
    // Who leaves while an answer is kept back from him does not want it; nothing can follow a login, so nobody need go on checking it.
    if (this.resting) this.wire.destroy();
    else if (this.step === STEP.auth) this.abortion?.abort();
  }

  broke(error: unknown): void {
    this.house.reception.failed(this, error);
  }

  gone(error: string): void {
    this.isGone = true;
    this.earlyWaiter?.(false);
    this.rest?.cancel();
    this.abortion?.abort();
    this.dueAt = 0;
    if (this.securing) this.tellEvent('tls_failed', error === '' ? 'the client left during the handshake' : error);
    if (this.step === STEP.none) this.finish();
  }

  /** A deadline passed: finds out which, or when to look again. */
  expire() {
    const now = this.house.coarseNow;
    if (this.isGone) return;
    if (this.wire.closing) return this.wire.destroy();
    if (this.securing || this.mode === MODE.proxy) {
      this.tellEvent('timed_out', this.securing ? 'TLS handshake' : 'waiting for the PROXY header');
      return this.wire.destroy();
    }
    if (this.step !== STEP.none) {
      if (now - this.askedAt < ANSWER_MS) this.dueAt = this.askedAt + ANSWER_MS;
      else {
        this.tellEvent('timed_out', 'waiting for an answer of our own');
        this.leave(words.STUCK, this.phase);
      }
      return;
    }
    // It is we who do not read.
    if (this.wire.halted) {
      this.dueAt = now + HALT_LOOK_MS;
      return;
    }
    const late = findLateness(this.options, this, now);
    if (late === 'silent') {
      this.tellEvent('timed_out', 'waiting for input');
      return this.leave(words.IDLE, this.phase);
    }
    if (late) {
      this.tellEvent('timed_out', late === 'slow' ? 'the message came too slowly' : 'reading the message');
      return this.leave(words.TOO_SLOW, PHASE.body);
    }
    this.rearm();
  }

  protected take(step: Step, said: Later<Verdict>) {
    if (!isLater(said)) return this.settle(step, said);
    this.pause(step);
    said.then(this.onVerdict, this.onFailure);
  }

  protected pause(step: Step): void {
    this.step = step;
    this.askedAt = this.house.coarseNow;
    if (this.dueAt === 0) this.dueIn(ANSWER_MS);
    this.wire.hold();
  }

  /** What a verdict means for the step that asked. */
  protected abstract conclude(step: Step, verdict: Verdict): void;

  /** The question of this step failed. */
  protected abstract settleFailure(step: Step, refusal: Refusal): void;

  /** Lets the content that came so far go. */
  protected abstract dropContent(): void;

  abstract consume(chunk: Buffer, at: number): number;

  protected readonly onVerdict = (verdict: Verdict) => {
    const { step } = this;
    this.resume(() => this.settle(step, verdict));
  };

  protected readonly onFailure = (error: unknown) => {
    const { step } = this;
    const refusal = this.fail(error);
    if (step === STEP.message && (this.isGone || this.wire.closing)) this.transaction = undefined;
    this.resume(() => this.settleFailure(step, refusal));
  };

  /** An answer is there: goes on with it, unless the client has gone meanwhile. */
  protected resume(act: () => void) {
    this.step = STEP.none;
    if (this.isGone) return this.finish();
    if (this.wire.closing) return;
    try {
      act();
      this.goOn();
    } catch (error) {
      this.wire.destroy();
      this.broke(error);
    }
  }

  /** Nothing fails open: who throws has refused. */
  protected fail(error: unknown): Refusal {
    this.house.reception.failed(this, error);
    return FAIL_CLOSED;
  }

  /** Goes on reading, unless somebody was asked again or the answer has to wait. */
  protected goOn(): void {
    if (this.step !== STEP.none || this.resting) return;
    this.inputAt = this.house.coarseNow;
    this.wire.release();
  }

  protected settle(step: Step, verdict: Verdict): void {
    const seconds = verdict && 'tarpitSeconds' in verdict ? (verdict.tarpitSeconds ?? 0) : 0;
    if (seconds > 0) this.delay(Math.min(seconds, LONGEST_TARPIT_SECONDS), () => this.conclude(step, verdict));
    else this.conclude(step, verdict);
  }

  /** Does `then` later, and nothing until then; other sessions do not notice. */
  protected delay(seconds: number, then: () => void): void {
    this.resting = true;
    this.wire.hold();
    this.rest = this.house.clock.after(seconds * 1000, () => {
      this.rest = undefined;
      this.resting = false;
      this.resume(then);
      this.wire.flush();
    });
  }

  protected answer(verb: string, line: string, reply: Reply): void {
    if ('wire' in reply) this.wire.say((reply as words.Phrase).wire);
    else this.wire.say(words.renderReply(reply), words.isAscii(reply.text));
    this.house.reception.command(this, verb, line, reply);
  }

  /** The client made a mistake. */
  protected error(verb: string, line: string, reply: Reply): void {
    this.house.reception.refused(this, this.phase, reply);
    this.answerPatiently(verb, line, reply, this.pace.countError(this.options));
  }

  protected junk(verb: string, line: string, reply: Reply): void {
    this.answerPatiently(verb, line, reply, this.pace.countJunk(this.options));
  }

  protected answerPatiently(verb: string, line: string, reply: Reply, patience: Patience) {
    if (patience === 'calm') return this.answer(verb, line, reply);
    if (patience === 'slow') return this.delay(1, () => this.answer(verb, line, reply));
    this.tellEvent('abusive', 'too many errors or idle commands');
    this.leave(words.TOO_MANY_ERRORS, this.phase, verb, line);
  }

  /** A limit that is no mistake of the client. */
  protected refuse(verb: string, line: string, reply: Reply): void {
    this.house.reception.refused(this, this.phase, reply);
    this.answer(verb, line, reply);
  }

  /** A refusal that ends the connection. */
  protected leave(reply: Reply, phase: number, verb?: string, line = ''): void {
    this.house.reception.refused(this, phase, reply);
    if (verb === undefined) this.wire.say(words.renderReply(reply), words.isAscii(reply.text));
    else this.answer(verb, line, reply);
    this.dropContent();
    this.reset();
    this.hangUp();
  }

  protected hangUp(): void {
    this.wire.close();
    this.dueIn(LINGER_MS);
  }

  protected get current(): Profile {
    if (!this.profile) throw new RangeError('the client of this session was not admitted');
    return this.profile;
  }

  protected adopt(options: InboundValues): void {
    this.profile = this.house.profileOf(options);
  }

  /** Ends the transaction, unless a message of it is being decided about. Who is told of the end still sees where it came. */
  protected reset(): void {
    this.dropContent();
    if (this.phase > PHASE.awaitMail && !this.isGone) this.phase = PHASE.awaitMail;
    if (!this.transaction || this.step === STEP.message) return;
    this.house.reception.reset(this);
    this.transaction = undefined;
  }

  protected tellEvent(event: SessionEvent, detail: string): void {
    this.house.reception.event(this, event, detail);
  }

  protected dueIn(ms: number): void {
    const due = this.house.coarseNow + ms + SLACK_MS;
    if (this.dueAt === 0 || due < this.dueAt) this.dueAt = due;
  }

  /** When to look at the deadlines again. */
  protected rearm(): void {
    this.dueAt = nextLook(this.options, this, this.house.coarseNow);
  }

  /** Everything about it is over. */
  protected finish(): void {
    this.dropContent();
    if (this.profile) {
      this.reset();
      this.house.reception.closed(this);
    }
    this.house.left(this);
  }
}

/** Whether an answer is still to come. */
export const isLater = <T>(x: T | Promise<T>): x is Promise<T> => typeof (x as { then?: unknown } | undefined)?.then === 'function';
