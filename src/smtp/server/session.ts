/**
 * One SMTP session: the order of commands, the questions to the reception, the limits, and the answers.
 * Longer than most files because it is one state machine: every command reads and moves the same few fields.
 */
import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { InboundValues } from '../../config/snapshot.js';
import { Facts } from '../../mail/facts.js';
import { formatWire, joinLine, type Reply } from '../../mail/reply.js';
import type { Endpoint, TlsFacts } from '../../module/session.js';
import { FAIL_CLOSED, type Refusal, type Verdict } from '../../module/verdict.js';
import { Content } from './content.js';
import { readMail, readRcpt } from './envelope.js';
import type { Door, House } from './house.js';
import { LineReader } from './line-reader.js';
import { Pace, type Patience } from './pace.js';
import { type Profile, renderKeywords } from './profile.js';
import type { HelloVerb, Later, ReceivedContent, RcptParams, ServerSession, SessionEvent, Transaction } from './reception.js';
import { describeTls } from './tls-facts.js';
import { isHeloName, looksLikeHttp, VERB, VERB_NAMES, verbOf } from './verbs.js';
import { type Reader, Wire } from './wire.js';
import * as words from './words.js';
import type { Phrase } from './words.js';

/** Who is asked right now. */
const STEP = { none: 0, accept: 1, connect: 2, ehlo: 3, mail: 4, rcpt: 5, data: 6, chunk: 7, content: 8, message: 9, store: 10 } as const;
type Step = (typeof STEP)[keyof typeof STEP];

/** What the next octets are. */
const MODE = { command: 0, data: 1, chunk: 2 } as const;
type Mode = (typeof MODE)[keyof typeof MODE];

/** core.md 3.1. */
const PHASE = {
  connected: 0,
  banner: 1,
  awaitHelo: 2,
  sayHelo: 3,
  awaitMail: 4,
  sayMail: 5,
  awaitRcpt: 6,
  sayRcpt: 7,
  data: 8,
  body: 9,
  sayBody: 10,
  concurrency: 18,
  rcptList: 19,
} as const;

/** An answer of the reception that takes longer than this will never come. Hooks have a minute, the spool its own alarms. */
const ANSWER_MS = 300_000;
const HANDSHAKE_MS = 30_000;
const LINGER_MS = 5_000;
/** A sender may fall behind min_data_rate by this long before it counts. */
const RATE_GRACE_SECONDS = 60;
const RATE_CHECK_MS = 10_000;
/** The coarse clock may be this late. */
const SLACK_MS = 250;
/** A line without an end (bad-inputs 3). */
const ENDLESS_LINE = 64 * 1024;
const LONGEST_TARPIT_SECONDS = 600;
const TLS_HANDSHAKE = 0x16;

const BDAT = /^BDAT (\d{1,12})( LAST)?$/i;
const STARTTLS_ONLY = /^STARTTLS *$/i;

export class SmtpSession<Own> implements ServerSession<Own>, Reader {
  readonly id: string;
  readonly peer: Endpoint;
  readonly stanza: string;
  readonly listener: string;
  readonly lmtp: boolean;
  pathway?: string;
  readonly facts = new Facts();
  readonly connectedAt: number;
  helo: string | undefined;
  heloLine = '';
  protocol: 'smtp' | 'esmtp' | 'lmtp' = 'smtp';
  tls: TlsFacts | undefined;
  user: string | undefined;
  phase: number = PHASE.connected;
  banner = '';
  messages = 0;
  recipients = 0;
  transaction: Transaction<Own> | undefined;
  /** Deadline for the watch; looked at again whenever it passes, so input need not move it. */
  dueAt = 0;

  readonly #house: House<Own>;
  readonly #wire: Wire;
  readonly #lines = new LineReader();
  readonly #pace = new Pace();
  #profile: Profile | undefined;
  #local: Endpoint | undefined;
  #extensions: Map<string, string> | undefined;
  #abort: AbortController | undefined;
  #mode: Mode = MODE.command;
  #step: Step = STEP.none;
  #resting = false;
  #farewell: Reply | undefined;
  #content: Content | undefined;
  #chunkLeft = 0;
  #chunkIsLast = false;
  #chunkFate: Reply | undefined;
  #chunkFateIsOurs = true;
  #chunkEndWaits = false;
  #chunksFailed = false;
  #fresh = true;
  #moreBehind = false;
  #dropRest = false;
  #securing = false;
  #gone = false;
  #early: ((spoke: boolean) => void) | undefined;
  #inputAt: number;
  #askedAt = 0;
  #line = '';
  #helloVerb: HelloVerb = 'EHLO';
  #recipient: { readonly address: Transaction<Own>['recipients'][number]['address']; readonly params: RcptParams } | undefined;

  constructor(house: House<Own>, door: Door, socket: Socket, peer: Endpoint) {
    this.#house = house;
    this.id = house.nextId();
    this.stanza = door.stanza;
    this.listener = door.listen;
    this.lmtp = door.lmtp;
    this.peer = peer;
    this.connectedAt = house.clock.now();
    this.#inputAt = house.coarseNow;
    this.#wire = new Wire(socket, this);
  }

  // What modules see of it.

  /** Throws RangeError for a client that was never admitted; nobody is told of such a session. */
  get options(): InboundValues {
    return this.#current.options;
  }

  get local(): Endpoint {
    this.#local ??= { ip: plainIp(this.#wire.socket.localAddress), port: this.#wire.socket.localPort ?? 0 };
    return this.#local;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#gone) this.#abort.abort();
    return this.#abort.signal;
  }

  get extensions(): Map<string, string> {
    this.#extensions ??= new Map(this.#current.keywords(this.tls !== undefined));
    return this.#extensions;
  }

  early(seconds: number, signal: AbortSignal): Promise<boolean> {
    if (this.#wire.hasQueued) return Promise.resolve(true);
    return new Promise((done) => {
      const finish = (spoke: boolean): void => {
        timer.cancel();
        signal.removeEventListener('abort', stop);
        this.#early = undefined;
        done(spoke);
      };
      const stop = (): void => finish(false);
      const timer = this.#house.clock.after(seconds * 1000, stop);
      signal.addEventListener('abort', stop, { once: true });
      this.#early = finish;
    });
  }

  shutDown(reply: Reply = words.SHUTTING_DOWN): void {
    this.#farewell ??= reply;
    if (this.#mode !== MODE.command || this.#wire.held || this.#wire.closing || this.transaction || this.#securing) return;
    this.#wire.say(wireOf(this.#farewell));
    this.#hangUp();
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#wire.destroy();
  }

  // How it begins.

  /** Answers whether the client is admitted at all; if not it was told so, and nothing else may be called. */
  admit(): boolean {
    const options = this.#house.reception.options(this);
    if (options) {
      this.#adopt(options);
      return true;
    }
    this.#wire.say(words.SERVICE_UNAVAILABLE.wire);
    this.#wire.close();
    this.#wire.socket.destroySoon();
    return false;
  }

  /** Asks accept and connect, and greets. */
  start(): void {
    this.#rearm();
    if (!this.options.use_ssl) return this.#open();
    const context = this.#house.contextOf(this.options);
    if (context) this.#secure(context, () => this.#open());
    else this.#leave(words.SERVICE_UNAVAILABLE, PHASE.connected);
  }

  /** The limits of connections are reached. */
  turnAway(): void {
    if (this.options.use_ssl) this.#wire.destroy();
    else this.#leave(words.CONCURRENCY, PHASE.concurrency);
  }

  #open(): void {
    const { product } = this.#house;
    this.banner = `${this.#current.hostname} ESMTP ${product} ${this.#house.date()}`;
    this.#askAccept();
  }

  // What the wire calls.

  consume(chunk: Buffer, at: number): number {
    this.#inputAt = this.#house.coarseNow;
    if (this.#mode === MODE.data) return this.#takeData(chunk, at);
    if (this.#mode === MODE.chunk) return this.#takeChunk(chunk, at);
    if (this.#fresh && chunk[at] === TLS_HANDSHAKE) return this.#meetForeigner(chunk, 'TLS');
    const { max_command_bytes } = this.options;
    const next = this.#lines.take(chunk, at, max_command_bytes);
    if (next < 0) {
      if (this.#lines.pending > ENDLESS_LINE) this.overran();
      return chunk.length;
    }
    this.#moreBehind = next < chunk.length || this.#wire.hasQueued;
    this.#command();
    this.#fresh = false;
    if (!this.#dropRest) return next;
    this.#dropRest = false;
    return chunk.length;
  }

  interrupted(): boolean {
    if (this.#early) {
      this.#early(true);
      return false;
    }
    if (!this.#resting || this.phase > PHASE.banner) return false;
    this.#tellEvent('early_talker', 'data before the banner');
    this.#leave(words.EARLY, PHASE.banner);
    return true;
  }

  overran(): void {
    this.#tellEvent('overrun', 'more input than may be held');
    this.#leave(words.OVERRUN, this.phase);
  }

  ended(): void {
    this.#hangUp();
  }

  gone(error: string): void {
    this.#gone = true;
    this.#early?.(false);
    this.#abort?.abort();
    this.dueAt = 0;
    if (this.#securing) this.#tellEvent('tls_failed', error === '' ? 'the client left during the handshake' : error);
    if (this.#step === STEP.none) this.#finish();
  }

  /** A deadline passed: finds out which, or when to look again. */
  expire(): void {
    const now = this.#house.coarseNow;
    if (this.#gone) return;
    if (this.#wire.closing) return this.#wire.destroy();
    if (this.#securing) {
      this.#tellEvent('timed_out', 'TLS handshake');
      return this.#wire.destroy();
    }
    if (this.#step !== STEP.none) {
      if (now - this.#askedAt < ANSWER_MS) this.dueAt = this.#askedAt + ANSWER_MS;
      else {
        this.#tellEvent('timed_out', 'waiting for an answer of our own');
        this.#leave(words.STUCK, this.phase);
      }
      return;
    }
    const { idle_time, data_timeout, min_data_rate } = this.options;
    const idleMs = idle_time * 1000;
    if (idleMs > 0 && !this.#resting && now - this.#inputAt >= idleMs + SLACK_MS) {
      this.#tellEvent('timed_out', 'waiting for input');
      return this.#leave(words.IDLE, this.phase);
    }
    const content = this.#content;
    if (content) {
      const seconds = (now - content.startedAt) / 1000;
      const behind = min_data_rate > 0 && content.size < min_data_rate * (seconds - RATE_GRACE_SECONDS);
      if (seconds >= data_timeout || behind) {
        this.#tellEvent('timed_out', behind ? 'the message came too slowly' : 'reading the message');
        return this.#leave(words.TOO_SLOW, PHASE.body);
      }
    }
    this.#rearm();
  }

  // Commands.

  #command(): void {
    const { text, fault } = this.#lines;
    if (this.#farewell) return this.#sayFarewell(text);
    if (fault !== '') {
      if (fault === 'control') return this.#error('', text, words.CONTROL_IN_COMMAND);
      if (this.#fresh && looksLikeHttp(text)) return void this.#meetForeigner(undefined, 'HTTP');
      return this.#error('', text, fault === 'long' ? words.LINE_TOO_LONG : words.LONE_LF_IN_COMMAND);
    }
    const verb = verbOf(text);
    switch (verb) {
      case VERB.mail:
        return this.#mail(text);
      case VERB.rcpt:
        return this.#rcpt(text);
      case VERB.data:
        return this.#data(text);
      case VERB.bdat:
        return this.#bdat(text);
      case VERB.ehlo:
        return this.#hello('EHLO', text);
      case VERB.helo:
        return this.#hello('HELO', text);
      case VERB.lhlo:
        return this.#hello('LHLO', text);
      case VERB.rset:
        return this.#rset(text);
      case VERB.noop:
        return this.#junk('NOOP', text, words.NOOP);
      case VERB.vrfy:
        return this.#junk('VRFY', text, words.CANNOT_VERIFY);
      case VERB.help:
        return this.#answer('HELP', text, words.HELP);
      case VERB.quit:
        return this.#quit(text);
      case VERB.starttls:
        return this.#startTls(text);
      case VERB.auth:
      case VERB.other:
        return this.#error(VERB_NAMES[verb] ?? '', text, words.NOT_IMPLEMENTED);
      default:
        if (looksLikeHttp(text)) return void this.#meetForeigner(undefined, 'HTTP');
        return this.#error('', text, words.UNRECOGNIZED);
    }
  }

  #hello(verb: HelloVerb, line: string): void {
    if (this.#moreBehind) return this.#pipelined(verb, line);
    if ((verb === 'LHLO') !== this.lmtp) return this.#error(verb, line, words.UNRECOGNIZED);
    const name = line.slice(5).trim();
    if (!isHeloName(name)) return this.#error(verb, line, verb === 'HELO' ? words.INVALID_HELO : words.INVALID_EHLO);
    this.#reset();
    this.helo = name;
    this.heloLine = line;
    this.protocol = verb === 'HELO' ? 'smtp' : verb === 'EHLO' ? 'esmtp' : 'lmtp';
    this.#helloVerb = verb;
    this.#line = line;
    this.phase = PHASE.sayHelo;
    let said: Later<Verdict>;
    try {
      said = this.#house.reception.ehlo(this, verb, name);
    } catch (error) {
      said = this.#fail(error);
    }
    this.#take(STEP.ehlo, said);
  }

  #sayHello(): void {
    const verb = this.#helloVerb;
    if (this.#wire.hasQueued) return this.#pipelined(verb, this.#line);
    this.phase = PHASE.awaitMail;
    const greeting = `${this.#current.hostname} says ${verb} to ${this.peer.ip === '' ? 'localhost' : this.peer.ip}`;
    if (verb === 'HELO') return this.#answer(verb, this.#line, { code: 250, status: '', text: greeting });
    const lines = this.#extensions ? renderKeywords(this.#extensions) : this.#current.keywordText(this.tls !== undefined);
    this.#answer(verb, this.#line, { code: 250, status: '', text: `${greeting}\n${lines}` });
  }

  #mail(line: string): void {
    if (this.helo === undefined && this.options.require_ehlo) return this.#error('MAIL', line, words.HELO_NEEDED);
    if (this.transaction) return this.#error('MAIL', line, words.MAIL_TWICE);
    const { reception, clock } = this.#house;
    const options = reception.options(this);
    if (!options) {
      const text = this.options.reconfig_message;
      return this.#leave({ code: 421, status: '', text }, PHASE.awaitMail, 'MAIL', line);
    }
    if (options !== this.#current.options) this.#adopt(options);
    const most = options.max_receptions_per_connection;
    if (most > 0 && this.messages >= most) return this.#leave(words.SERVICE_UNAVAILABLE, PHASE.awaitMail, 'MAIL', line);
    const read = readMail(line, options, this.#current.offers);
    if ('code' in read) return this.#error('MAIL', line, read);
    const { sender, params } = read;
    if (options.max_message_size > 0 && params.size > options.max_message_size) return this.#refuse('MAIL', line, words.TOO_LARGE);
    this.phase = PHASE.sayMail;
    this.#line = line;
    this.#chunksFailed = false;
    this.transaction = { sender, params, line, startedAt: clock.now(), recipients: [], own: undefined };
    let said: Later<Verdict>;
    try {
      said = reception.mailFrom(this, sender, params, line);
    } catch (error) {
      said = this.#fail(error);
    }
    this.#take(STEP.mail, said);
  }

  #rcpt(line: string): void {
    const { transaction, options } = this;
    if (!transaction) {
      const unknown = this.helo === undefined && options.require_ehlo;
      return this.#error('RCPT', line, unknown ? words.HELO_NEEDED : words.RCPT_WITHOUT_MAIL);
    }
    if (this.#content || this.#chunksFailed) return this.#error('RCPT', line, words.BAD_SEQUENCE);
    const read = readRcpt(line, options, this.#current.offers, transaction.params.smtpUtf8);
    if ('code' in read) return this.#error('RCPT', line, read);
    const { max_recipients_per_message: perMessage, max_recipients_per_connection: perSession } = options;
    if (perMessage > 0 && transaction.recipients.length >= perMessage) return this.#refuse('RCPT', line, words.TOO_MANY_RECIPIENTS);
    if (perSession > 0 && this.recipients >= perSession) return this.#refuse('RCPT', line, words.TOO_MANY_RECIPIENTS_IN_SESSION);
    this.phase = PHASE.sayRcpt;
    this.#line = line;
    const { recipient, params } = read;
    this.#recipient = { address: recipient, params };
    let said: Later<Verdict>;
    try {
      said = this.#house.reception.rcptTo(this, recipient, params, line);
    } catch (error) {
      said = this.#fail(error);
    }
    this.#take(STEP.rcpt, said);
  }

  #data(line: string): void {
    if (this.#moreBehind) return this.#pipelined('DATA', line);
    if (line.length > 4 && line.trimEnd().length > 4) return this.#error('DATA', line, words.DATA_ARGUMENT);
    if (!this.#mayBringContent('DATA', line)) return;
    if (this.#content || this.#chunksFailed) return this.#error('DATA', line, words.DATA_AFTER_BDAT);
    this.#line = line;
    this.#askRecipients(STEP.data);
  }

  #mayBringContent(verb: string, line: string): boolean {
    const refusal = this.#contentRefusal();
    if (refusal) this.#error(verb, line, refusal);
    return refusal === undefined;
  }

  #contentRefusal(): Phrase | undefined {
    if (!this.transaction) return this.helo === undefined && this.options.require_ehlo ? words.HELO_NEEDED : words.DATA_WITHOUT_MAIL;
    return this.transaction.recipients.length === 0 ? words.DATA_WITHOUT_RCPT : undefined;
  }

  #askRecipients(step: typeof STEP.data | typeof STEP.chunk): void {
    this.phase = PHASE.rcptList;
    let said: Later<Verdict>;
    try {
      said = this.#house.reception.recipients(this);
    } catch (error) {
      said = this.#fail(error);
    }
    this.#take(step, said);
  }

  #goAhead(): void {
    if (this.#wire.hasQueued) return this.#pipelined('DATA', this.#line);
    this.phase = PHASE.body;
    this.#beginContent(false);
    this.#mode = MODE.data;
    this.#answer('DATA', this.#line, words.GO_AHEAD);
  }

  #beginContent(chunked: boolean): void {
    const { coarseNow, hostname } = this.#house;
    this.#content = new Content(this.options, this.options.received_hostname ?? hostname, chunked, coarseNow);
    this.#dueIn(RATE_CHECK_MS);
  }

  #bdat(line: string): void {
    const parts = BDAT.exec(line);
    if (!parts) {
      // How many octets follow is not known, and none of them may be taken for a command.
      return this.#leave(words.BAD_CHUNK, this.phase, 'BDAT', line);
    }
    this.#line = line;
    this.#chunkLeft = Number(parts[1]);
    this.#chunkIsLast = parts[2] !== undefined;
    this.#chunkFateIsOurs = true;
    this.#chunkFate = this.#current.chunking ? this.#contentRefusal() : words.NOT_IMPLEMENTED;
    if (this.#chunksFailed) this.#chunkFate ??= words.CHUNK_AFTER_ERROR;
    const most = this.options.max_message_size;
    if (most > 0 && (this.#content?.size ?? 0) + this.#chunkLeft > 2 * most) return this.#leave(words.TOO_LARGE, PHASE.body, 'BDAT', line);
    if (this.#chunkFate || this.#content) return this.#beginChunk();
    this.#askRecipients(STEP.chunk);
  }

  #beginChunk(): void {
    if (!this.#chunkFate && !this.#content) this.#beginContent(true);
    this.phase = PHASE.body;
    if (this.#chunkLeft > 0) this.#mode = MODE.chunk;
    else this.#endChunk();
  }

  #endChunk(): void {
    this.#mode = MODE.command;
    const fate = this.#chunkFate ?? (this.#content?.draining ? words.TOO_LARGE : undefined);
    if (fate) {
      this.#chunksFailed = this.transaction !== undefined;
      this.#dropContent();
      if (!this.#chunkFateIsOurs) this.#answer('BDAT', this.#line, fate);
      else if (fate === words.TOO_LARGE) this.#refuse('BDAT', this.#line, fate);
      else this.#error('BDAT', this.#line, fate);
    } else if (this.#chunkIsLast) this.#endContent();
    else this.#wire.say(words.CHUNK_ACCEPTED.wire);
  }

  #rset(line: string): void {
    if (line.length > 4 && line.trimEnd().length > 4) return this.#error('RSET', line, words.RESET_ARGUMENT);
    this.#reset();
    this.#junk('RSET', line, words.RESET);
  }

  #quit(line: string): void {
    if (line.trimEnd().length > 4) return this.#error('QUIT', line, words.NO_ARGUMENTS);
    this.#answer('QUIT', line, this.#current.goodbye);
    if (this.#moreBehind || this.tls) return this.#hangUp();
    this.#wire.part();
  }

  #startTls(line: string): void {
    if (!STARTTLS_ONLY.test(line)) return this.#error('STARTTLS', line, words.NO_ARGUMENTS);
    if (this.tls) return this.#error('STARTTLS', line, words.TLS_ACTIVE);
    const offered = this.#extensions ? this.#extensions.has('STARTTLS') : this.#current.offersStartTls(false);
    const context = offered ? this.#house.contextOf(this.options) : undefined;
    if (!context) return this.#error('STARTTLS', line, words.NOT_IMPLEMENTED);
    if (this.helo === undefined && this.options.require_ehlo) return this.#error('STARTTLS', line, words.HELO_NEEDED);
    if (this.#moreBehind) {
      this.#tellEvent('starttls_injection', 'commands in clear behind STARTTLS');
      if (this.options.starttls_injection_policy === 'reject') return this.#leave(words.TLS_INJECTION, this.phase, 'STARTTLS', line);
      this.#dropRest = true;
      this.#wire.dropQueued();
    }
    this.#reset();
    this.#answer('STARTTLS', line, words.TLS_GO_AHEAD);
    this.#secure(context, () => {
      this.helo = undefined;
      this.heloLine = '';
      this.#extensions = undefined;
      this.phase = PHASE.awaitHelo;
    });
  }

  #secure(context: SecureContext, then: () => void): void {
    const { tls_client_ca, tls_verify_mode } = this.options;
    const asks = tls_verify_mode === 'require' || (tls_verify_mode !== 'none' && tls_client_ca !== undefined);
    this.#securing = true;
    this.#dueIn(HANDSHAKE_MS);
    this.#wire.upgrade(context, asks, (socket: TLSSocket) => {
      this.#securing = false;
      this.#inputAt = this.#house.coarseNow;
      this.#rearm();
      this.tls = describeTls(socket);
      this.#noteTls(this.tls);
      if (tls_verify_mode === 'require' && !this.tls.verified) {
        this.#tellEvent('tls_failed', 'no client certificate that could be verified');
        return this.#leave(words.CERTIFICATE_NEEDED, this.phase);
      }
      then();
    });
  }

  /** Context variables of core.md 3.4. */
  #noteTls(tls: TlsFacts): void {
    this.facts.set('tls', 'on');
    this.facts.set('tls_cipher', tls.cipher);
    this.facts.set('tls_cipher_usebits', String(tls.bits));
    if (tls.verified) this.facts.set('tls_client_verified', 'yes');
    if (tls.subject !== undefined) this.facts.set('tls_client_cert_subject', tls.subject);
    if (tls.issuer !== undefined) this.facts.set('tls_client_cert_issuer', tls.issuer);
  }

  // The content of a message.

  #takeData(chunk: Buffer, at: number): number {
    const content = this.#content;
    if (!content) return chunk.length;
    const end = content.takeDotted(chunk, at);
    if (end >= 0) {
      this.#mode = MODE.command;
      this.#endContent();
      return end;
    }
    this.#afterOctets(content);
    return chunk.length;
  }

  #takeChunk(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#chunkLeft);
    this.#chunkLeft -= end - at;
    const content = this.#content;
    if (content && !this.#chunkFate) {
      content.takeChunk(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
      this.#afterOctets(content);
    }
    if (this.#chunkLeft === 0 && !this.#wire.closing) {
      if (this.#step === STEP.store) this.#chunkEndWaits = true;
      else this.#endChunk();
    }
    return end;
  }

  /** Watches the limits of what is in memory. */
  #afterOctets(content: Content): void {
    if (content.draining) {
      if (content.overflowing) this.#leave(words.TOO_LARGE, PHASE.body);
      return;
    }
    if (content.stored) return this.#waitForStore(content.spill());
    const { reception } = this.#house;
    if (!reception.largeBody || content.residentBytes <= this.#house.largeBodyBytes()) return;
    let opened: Promise<void>;
    try {
      opened = reception.largeBody(this).then((store) => {
        if (this.#content !== content) return store.abandon();
        content.storeIn(store);
        return content.spill();
      });
    } catch (error) {
      opened = Promise.reject(error);
    }
    this.#waitForStore(opened);
  }

  #waitForStore(written: void | Promise<void>): void {
    if (!written) return;
    this.#pause(STEP.store);
    written.then(this.#onStored, this.#onFailure);
  }

  readonly #onStored = (): void => {
    this.#step = STEP.none;
    if (this.#gone) return this.#finish();
    if (this.#chunkEndWaits) {
      this.#chunkEndWaits = false;
      this.#endChunk();
    }
    this.#goOn();
  };

  #endContent(): void {
    const content = this.#content;
    if (!content) return;
    this.phase = PHASE.sayBody;
    const refusal = content.judge();
    if (refusal) return this.#refuseMessage(refusal);
    const ready = content.finish();
    if (!(ready instanceof Promise)) return this.#offer(ready);
    this.#pause(STEP.content);
    ready.then(this.#onContent, this.#onFailure);
  }

  readonly #onContent = (ready: ReceivedContent): void => {
    this.#step = STEP.none;
    if (this.#gone) return this.#finish();
    this.#offer(ready);
    this.#goOn();
  };

  #offer(ready: ReceivedContent | Reply): void {
    if ('code' in ready) return this.#refuseMessage(ready);
    this.#content = undefined;
    let said: Later<Reply | readonly Reply[]>;
    try {
      said = this.#house.reception.message(this, ready);
    } catch (error) {
      said = this.#fail(error).reply;
    }
    if (!isLater(said)) return this.#endMessage(said);
    this.#pause(STEP.message);
    said.then(this.#onMessage, this.#onFailure);
  }

  readonly #onMessage = (said: Reply | readonly Reply[]): void => {
    this.#step = STEP.none;
    if (this.#gone) {
      this.transaction = undefined;
      return this.#finish();
    }
    this.#endMessage(said);
    this.#goOn();
  };

  /** A refusal of the engine's own, after the last octet. */
  #refuseMessage(reply: Reply): void {
    this.#dropContent();
    this.#house.reception.refused(this, PHASE.sayBody, reply);
    const count = this.transaction?.recipients.length ?? 1;
    this.#reset();
    this.#sayForAll(reply, count);
    if (reply !== words.LONE_IN_BODY && reply !== words.LONE_IN_HEADERS) return;
    this.#hangUp();
  }

  #endMessage(said: Reply | readonly Reply[]): void {
    const count = this.transaction?.recipients.length ?? 1;
    this.transaction = undefined;
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
      this.#pace.forgive();
    }
    const [first = words.STUCK] = replies;
    if (!this.lmtp || replies.length === 1) this.#sayForAll(first, count);
    else for (let i = 0; i < count; i++) this.#answer('.', '.', replies[i] ?? words.STUCK);
    if (ends) {
      this.#hangUp();
    } else if (this.#farewell) this.shutDown();
  }

  /** RFC 2033 4.2: with LMTP every recipient has its own reply. */
  #sayForAll(reply: Reply, recipients: number): void {
    for (let n = this.lmtp ? recipients : 1; n > 0; n--) this.#answer('.', '.', reply);
  }

  #dropContent(): void {
    const content = this.#content;
    this.#content = undefined;
    this.#mode = MODE.command;
    content?.abandon()?.catch((error: unknown) => this.#house.reception.failed(this, error));
  }

  // Questions and their answers.

  #take(step: Step, said: Later<Verdict>): void {
    if (!isLater(said)) return this.#settle(step, said);
    this.#pause(step);
    said.then(this.#onVerdict, this.#onFailure);
  }

  #pause(step: Step): void {
    this.#step = step;
    this.#askedAt = this.#house.coarseNow;
    if (this.dueAt === 0) this.#dueIn(ANSWER_MS);
    this.#wire.hold();
  }

  readonly #onVerdict = (verdict: Verdict): void => {
    const step = this.#step;
    this.#step = STEP.none;
    if (this.#gone) return this.#finish();
    if (this.#wire.closing) return;
    this.#settle(step, verdict);
    this.#goOn();
  };

  readonly #onFailure = (error: unknown): void => {
    const step = this.#step;
    this.#step = STEP.none;
    const refusal = this.#fail(error);
    if (this.#gone) return this.#finish();
    if (this.#wire.closing) return;
    if (step === STEP.message) this.#endMessage(refusal.reply);
    else if (step === STEP.store || step === STEP.content) this.#leave(words.STUCK, PHASE.body);
    else this.#settle(step, refusal);
    this.#goOn();
  };

  /** Nothing fails open: who throws has refused. */
  #fail(error: unknown): Refusal {
    this.#house.reception.failed(this, error);
    return FAIL_CLOSED;
  }

  /** Goes on reading, unless somebody was asked again or the answer has to wait. */
  #goOn(): void {
    if (this.#step !== STEP.none || this.#resting) return;
    this.#inputAt = this.#house.coarseNow;
    this.#wire.release();
  }

  #settle(step: Step, verdict: Verdict): void {
    const seconds = verdict && 'tarpitSeconds' in verdict ? (verdict.tarpitSeconds ?? 0) : 0;
    if (seconds > 0) this.#rest(Math.min(seconds, LONGEST_TARPIT_SECONDS), () => this.#conclude(step, verdict));
    else this.#conclude(step, verdict);
  }

  /** Does `then` later, and nothing until then; other sessions do not notice. */
  #rest(seconds: number, then: () => void): void {
    this.#resting = true;
    this.#wire.hold();
    this.#house.clock.after(seconds * 1000, () => {
      this.#resting = false;
      if (this.#gone || this.#wire.closing) return;
      then();
      this.#goOn();
      this.#wire.flush();
    });
  }

  #conclude(step: Step, verdict: Verdict): void {
    if (verdict && 'reply' in verdict) return this.#concludeRefusal(step, verdict);
    switch (step) {
      case STEP.accept:
        return this.#askConnect();
      case STEP.connect:
        return this.#greet();
      case STEP.ehlo:
        return this.#sayHello();
      case STEP.mail:
        this.phase = PHASE.awaitRcpt;
        return this.#answer('MAIL', this.#line, words.MAIL_ACCEPTED);
      case STEP.rcpt:
        return this.#acceptRecipient();
      case STEP.data:
        return this.#goAhead();
      case STEP.chunk:
        return this.#beginChunk();
      default:
    }
  }

  #concludeRefusal(step: Step, { do: kind, reply }: Refusal): void {
    const ends = kind === 'disconnect' || reply.code === 421 || step === STEP.accept || step === STEP.connect;
    switch (step) {
      case STEP.ehlo:
        this.helo = undefined;
        this.phase = PHASE.awaitHelo;
        this.#answer(this.#helloVerb, this.#line, reply);
        break;
      case STEP.mail:
        this.#reset();
        this.#answer('MAIL', this.#line, reply);
        break;
      case STEP.rcpt:
        this.phase = PHASE.awaitRcpt;
        this.#answer('RCPT', this.#line, reply);
        break;
      case STEP.data:
        this.phase = PHASE.awaitRcpt;
        this.#answer('DATA', this.#line, reply);
        break;
      case STEP.chunk:
        // Its octets are on their way; the answer comes behind them.
        this.#chunkFate = reply;
        this.#chunkFateIsOurs = false;
        if (!ends) return this.#beginChunk();
        this.#answer('BDAT', this.#line, reply);
        break;
      default:
        this.#wire.say(wireOf(reply), isAscii(reply.text));
    }
    if (!ends) return;
    this.#reset();
    this.#hangUp();
  }

  #askAccept(): void {
    let said: Later<Verdict>;
    try {
      said = this.#house.reception.accept(this);
    } catch (error) {
      said = this.#fail(error);
    }
    this.#take(STEP.accept, said);
  }

  #askConnect(): void {
    let said: Later<Verdict>;
    try {
      said = this.#house.reception.connect(this);
    } catch (error) {
      said = this.#fail(error);
    }
    this.#take(STEP.connect, said);
  }

  #greet(): void {
    this.phase = PHASE.awaitHelo;
    if (this.#farewell) return this.#leave(this.#farewell, PHASE.banner);
    const line = this.options.static_banner ?? `220 ${this.banner}`;
    this.#wire.say(`${joinLine(line)}\r\n`, isAscii(line));
    this.#wire.flush();
  }

  #acceptRecipient(): void {
    const { transaction } = this;
    const asked = this.#recipient;
    if (transaction && asked) {
      transaction.recipients.push({ address: asked.address, params: asked.params, line: this.#line });
      this.recipients++;
    }
    this.#recipient = undefined;
    this.phase = PHASE.awaitRcpt;
    this.#answer('RCPT', this.#line, words.RCPT_ACCEPTED);
  }

  // Answers.

  #answer(verb: string, line: string, reply: Reply): void {
    if ('wire' in reply) this.#wire.say((reply as Phrase).wire);
    else this.#wire.say(wireOf(reply), isAscii(reply.text));
    this.#house.reception.command(this, verb, line, reply);
  }

  /** The client made a mistake. */
  #error(verb: string, line: string, reply: Reply): void {
    this.#house.reception.refused(this, this.phase, reply);
    this.#answerPatiently(verb, line, reply, this.#pace.countError(this.options));
  }

  #junk(verb: string, line: string, reply: Reply): void {
    this.#answerPatiently(verb, line, reply, this.#pace.countJunk(this.options));
  }

  #answerPatiently(verb: string, line: string, reply: Reply, patience: Patience): void {
    if (patience === 'calm') return this.#answer(verb, line, reply);
    if (patience === 'slow') return this.#rest(1, () => this.#answer(verb, line, reply));
    this.#tellEvent('abusive', 'too many errors or idle commands');
    this.#leave(words.TOO_MANY_ERRORS, this.phase, verb, line);
  }

  /** A limit that is no mistake of the client. */
  #refuse(verb: string, line: string, reply: Reply): void {
    this.#house.reception.refused(this, this.phase, reply);
    this.#answer(verb, line, reply);
  }

  /** A refusal that ends the connection. */
  #leave(reply: Reply, phase: number, verb?: string, line = ''): void {
    this.#house.reception.refused(this, phase, reply);
    if (verb === undefined) this.#wire.say(wireOf(reply), isAscii(reply.text));
    else this.#answer(verb, line, reply);
    this.#dropContent();
    this.#reset();
    this.#hangUp();
  }

  #sayFarewell(line: string): void {
    const reply = this.#farewell ?? words.SHUTTING_DOWN;
    this.#answer(VERB_NAMES[verbOf(line)] ?? '', line, reply);
    this.#reset();
    this.#hangUp();
  }

  /** A command that must wait for the reply to the one before it did not (RFC 2920 3.1): what follows it cannot be trusted. */
  #pipelined(verb: string, line: string): void {
    this.#leave(words.PIPELINED, this.phase, verb, line);
  }

  #meetForeigner(chunk: Buffer | undefined, what: 'TLS' | 'HTTP'): number {
    this.#tellEvent('foreign_protocol', what);
    if (what === 'TLS') this.#wire.destroy();
    else this.#leave(words.NOT_SMTP, this.phase);
    return chunk?.length ?? 0;
  }

  #hangUp(): void {
    this.#wire.close();
    this.#dueIn(LINGER_MS);
  }

  // State.

  get #current(): Profile {
    if (!this.#profile) throw new RangeError('the client of this session was not admitted');
    return this.#profile;
  }

  #adopt(options: InboundValues): void {
    this.#profile = this.#house.profileOf(options);
    if (options.pathway !== undefined) this.pathway = options.pathway;
    else if (this.pathway !== undefined) delete this.pathway;
  }

  /** Ends the transaction, unless a message of it is being decided about. */
  #reset(): void {
    if (this.#content) this.#dropContent();
    this.#chunksFailed = false;
    if (this.phase > PHASE.awaitMail) this.phase = PHASE.awaitMail;
    if (!this.transaction || this.#step === STEP.message) return;
    this.#house.reception.reset(this);
    this.transaction = undefined;
  }

  #tellEvent(event: SessionEvent, detail: string): void {
    this.#house.reception.event(this, event, detail);
  }

  #dueIn(ms: number): void {
    const due = this.#house.coarseNow + ms + SLACK_MS;
    if (this.dueAt === 0 || due < this.dueAt) this.dueAt = due;
  }

  /** When to look at the deadlines again. */
  #rearm(): void {
    const { idle_time, data_timeout } = this.options;
    this.dueAt = idle_time > 0 ? this.#inputAt + idle_time * 1000 + SLACK_MS : 0;
    if (this.#resting) this.dueAt = 0;
    if (!this.#content) return;
    this.#dueIn(RATE_CHECK_MS);
    this.dueAt = Math.min(this.dueAt, this.#content.startedAt + data_timeout * 1000 + SLACK_MS);
  }

  /** Everything about it is over. */
  #finish(): void {
    this.#dropContent();
    if (this.#profile) {
      this.#reset();
      this.#house.reception.closed(this);
    }
    this.#house.left(this);
  }
}

const isLater = <T>(x: T | Promise<T>): x is Promise<T> => typeof (x as { then?: unknown } | undefined)?.then === 'function';

const isAscii = (text: string): boolean => !/[^\x00-\x7f]/.test(text);

/** Control characters other than the line ends of a reply: nothing a peer or a script wrote may end a line of ours. */
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f]+/g;

const wireOf = (reply: Reply): string => ('wire' in reply ? (reply as Phrase).wire : formatWire({ ...reply, text: reply.text.replace(CONTROL, ' ') }));

/** An IPv4 client of an IPv6 socket is an IPv4 client. */
export const plainIp = (ip: string | undefined): string => (ip?.startsWith('::ffff:') ? ip.slice(7) : (ip ?? ''));
