/** One SMTP session: the commands and their order. */
import type { Address } from '../../mail/address.js';
import { joinLine } from '../../mail/reply.js';
import type { Refusal, Verdict } from '../../module/verdict.js';
import { isProxySignature } from '../../net/proxy-header.js';
import { maskSecret } from './auth-mask.js';
import { readMail, readRcpt } from './envelope.js';
import { LineReader } from './line-reader.js';
import { isLoopback, renderKeywords } from './profile.js';
import { Proxied } from './proxied.js';
import type { HelloVerb, Later, RcptParams } from './reception.js';
import { MODE, PHASE, STEP, type Step } from './states.js';
import { trustedVerbOf } from './told.js';
import { isHeloName, looksLikeHttp, VERB, VERB_NAMES, verbOf } from './verbs.js';
import * as words from './words.js';

/** A line without an end. */
const ENDLESS_LINE = 64 * 1024;
/** First octet of a TLS record that carries a handshake. */
const TLS_HANDSHAKE = 0x16;

export class SmtpSession<Own> extends Proxied<Own> {
  private readonly lines = new LineReader();
  /** Nothing was understood yet. */
  private fresh = true;
  private helloVerb: HelloVerb = 'EHLO';
  private askedAbout: { readonly address: Address; readonly params: RcptParams } | undefined = undefined;

  /** Asks accept and connect, and greets. */
  start() {
    this.begin();
  }

  protected override begin(rest?: Buffer) {
    this.rearm();
    if (!this.options.use_ssl) return this.open();
    const context = this.house.contextOf(this.options);
    if (context) this.secure(context, () => this.open(), rest);
    else this.leave(words.SERVICE_UNAVAILABLE, PHASE.connected);
  }

  /** The limits of connections are reached. */
  turnAway(): void {
    if (this.options.use_ssl) this.wire.destroy();
    else this.leave(words.CONCURRENCY, PHASE.concurrency);
  }

  protected override open(): void {
    const { product } = this.house;
    this.banner = `${this.current.hostname} ESMTP ${product} ${this.house.date()}`;
    this.askAccept();
  }

  override consume(chunk: Buffer, at: number): number {
    // Octets of a line that does not end win it no time.
    if (this.mode !== MODE.command || this.lines.pending === 0) this.inputAt = this.house.coarseNow;
    if (this.mode === MODE.data) return this.takeData(chunk, at);
    if (this.mode === MODE.chunk) return this.takeChunk(chunk, at);
    if (this.mode === MODE.proxy) return this.takeProxy(chunk, at);
    if (this.fresh && chunk[at] === TLS_HANDSHAKE) return this.meetForeigner(chunk, 'TLS');
    if (this.fresh && isProxySignature(chunk, at)) {
      this.trusted('PROXY', 'PROXY');
      return chunk.length;
    }
    const next = this.lines.take(chunk, at, this.current.longestLine);
    if (next < 0) {
      if (this.lines.pending > ENDLESS_LINE) this.overran();
      return chunk.length;
    }
    this.inputAt = this.house.coarseNow;
    this.moreBehind = next < chunk.length || this.wire.hasQueued;
    this.command();
    this.fresh = false;
    if (!this.dropRest) return next;
    this.dropRest = false;
    return chunk.length;
  }

  private command() {
    const { text, fault, octets } = this.lines;
    if (this.farewell) return this.sayFarewell(this.attempt ? 'AUTH' : maskSecret(text));
    if (this.attempt) return this.respond(this.attempt, text, fault);
    if (fault !== '') {
      if (fault === 'control') return this.error('', maskSecret(text), words.CONTROL_IN_COMMAND);
      if (this.fresh && looksLikeHttp(text)) return void this.meetForeigner(undefined, 'HTTP');
      return this.error('', maskSecret(text), fault === 'long' ? words.LINE_TOO_LONG : words.LONE_LF_IN_COMMAND);
    }
    const verb = verbOf(text);
    if (octets > this.options.max_command_bytes && verb !== VERB.auth) return this.error('', '', words.LINE_TOO_LONG);
    switch (verb) {
      case VERB.mail:
        return this.mail(text);
      case VERB.rcpt:
        return this.rcpt(text);
      case VERB.data:
        return this.data(text);
      case VERB.bdat:
        return this.bdat(text);
      case VERB.ehlo:
        return this.hello('EHLO', text);
      case VERB.helo:
        return this.hello('HELO', text);
      case VERB.lhlo:
        return this.hello('LHLO', text);
      case VERB.rset:
        return this.rset(text);
      case VERB.noop:
        return this.junk('NOOP', text, words.NOOP);
      case VERB.vrfy:
        return this.junk('VRFY', text, words.CANNOT_VERIFY);
      case VERB.help:
        return this.answer('HELP', text, words.HELP);
      case VERB.quit:
        return this.quit(text);
      case VERB.starttls:
        return this.startTls(text);
      case VERB.auth:
        return this.auth(text);
      case VERB.other:
        return this.error(VERB_NAMES[verb] ?? '', text, words.NOT_IMPLEMENTED);
      default:
        if (looksLikeHttp(text)) return void this.meetForeigner(undefined, 'HTTP');
        return this.unknown(text);
    }
  }

  private unknown(text: string) {
    const verb = trustedVerbOf(text);
    if (verb !== undefined) return this.trusted(verb, text);
    this.error('', maskSecret(text), words.UNRECOGNIZED);
  }

  private hello(verb: HelloVerb, line: string) {
    if (this.moreBehind) return this.pipelined(verb, line);
    if ((verb === 'LHLO') !== this.lmtp) return this.error(verb, line, words.UNRECOGNIZED);
    const name = line.slice(5).trim();
    if (!isHeloName(name)) return this.error(verb, line, verb === 'HELO' ? words.INVALID_HELO : words.INVALID_EHLO);
    this.reset();
    this.helo = name;
    this.heloLine = line;
    this.protocol = verb === 'HELO' ? 'smtp' : verb === 'EHLO' ? 'esmtp' : 'lmtp';
    this.helloVerb = verb;
    this.commandLine = line;
    this.phase = PHASE.sayHelo;
    let said: Later<Verdict>;
    try {
      said = this.house.reception.ehlo(this, verb, name);
    } catch (error) {
      said = this.fail(error);
    }
    this.take(STEP.ehlo, said);
  }

  private sayHello() {
    const verb = this.helloVerb;
    if (this.wire.hasQueued) return this.pipelined(verb, this.commandLine);
    this.phase = PHASE.awaitMail;
    const greeting = `${this.current.hostname} says ${verb} to ${this.peer.ip === '' ? 'localhost' : this.peer.ip}`;
    if (verb === 'HELO') return this.answer(verb, this.commandLine, { code: 250, status: '', text: greeting });
    const lines = this.keywords
      ? renderKeywords(this.keywords)
      : this.current.keywordText(this.tls !== undefined, isLoopback(this.peer.ip));
    this.answer(verb, this.commandLine, { code: 250, status: '', text: `${greeting}\n${lines}` });
  }

  private mail(line: string) {
    if (this.helo === undefined && this.options.require_ehlo) return this.error('MAIL', line, words.HELO_NEEDED);
    if (this.transaction) return this.error('MAIL', line, words.MAIL_TWICE);
    const { reception, clock } = this.house;
    const options = reception.options(this);
    if (!options) {
      const text = this.options.reconfig_message;
      return this.leave({ code: 421, status: '', text }, PHASE.awaitMail, 'MAIL', line);
    }
    if (options !== this.current.options) this.adopt(options);
    if (this.lacksLogin) return this.error('MAIL', line, words.AUTH_NEEDED);
    const most = options.max_receptions_per_connection;
    if (most > 0 && this.messages >= most) return this.leave(words.SERVICE_UNAVAILABLE, PHASE.awaitMail, 'MAIL', line);
    const read = readMail(line, options, this.current.offers(this.tls !== undefined));
    if ('code' in read) return this.error('MAIL', line, read);
    const { sender, params } = read;
    if (options.max_message_size > 0 && params.size > options.max_message_size) return this.refuse('MAIL', line, words.TOO_LARGE);
    this.phase = PHASE.sayMail;
    this.commandLine = line;
    this.chunksFailed = false;
    this.transaction = { sender, params, line, startedAt: clock.now(), recipients: [], own: undefined };
    let said: Later<Verdict>;
    try {
      said = reception.mailFrom(this, sender, params, line);
    } catch (error) {
      said = this.fail(error);
    }
    this.take(STEP.mail, said);
  }

  private rcpt(line: string) {
    const { transaction, options } = this;
    if (!transaction) {
      const unknown = this.helo === undefined && options.require_ehlo;
      return this.error('RCPT', line, unknown ? words.HELO_NEEDED : words.RCPT_WITHOUT_MAIL);
    }
    if (this.content || this.chunksFailed) return this.error('RCPT', line, words.BAD_SEQUENCE);
    const read = readRcpt(line, options, this.current.offers(this.tls !== undefined), transaction.params.smtpUtf8);
    if ('code' in read) return this.error('RCPT', line, read);
    const { max_recipients_per_message: perMessage, max_recipients_per_connection: perSession } = options;
    if (perMessage > 0 && transaction.recipients.length >= perMessage) return this.refuse('RCPT', line, words.TOO_MANY_RECIPIENTS);
    if (perSession > 0 && this.recipients >= perSession) return this.refuse('RCPT', line, words.TOO_MANY_RECIPIENTS_IN_SESSION);
    this.phase = PHASE.sayRcpt;
    this.commandLine = line;
    const { recipient, params } = read;
    this.askedAbout = { address: recipient, params };
    let said: Later<Verdict>;
    try {
      said = this.house.reception.rcptTo(this, recipient, params, line);
    } catch (error) {
      said = this.fail(error);
    }
    this.take(STEP.rcpt, said);
  }

  private rset(line: string) {
    if (line.length > 4 && line.trimEnd().length > 4) return this.error('RSET', line, words.RESET_ARGUMENT);
    this.reset();
    this.junk('RSET', line, words.RESET);
  }

  private quit(line: string) {
    if (line.trimEnd().length > 4) return this.error('QUIT', line, words.NO_ARGUMENTS);
    this.answer('QUIT', line, this.current.goodbye);
    if (this.moreBehind || this.tls) return this.hangUp();
    this.wire.part();
  }

  protected override conclude(step: Step, verdict: Verdict) {
    if (step === STEP.auth) return this.concludeAuth(verdict);
    if (verdict && 'reply' in verdict) return this.concludeRefusal(step, verdict);
    switch (step) {
      case STEP.accept:
        return this.askConnect();
      case STEP.connect:
        // A hook may have chosen the pathway.
        if (this.facts.has('pathway') && !this.readOptions()) return;
        return this.greet();
      case STEP.ehlo:
        return this.sayHello();
      case STEP.mail:
        this.phase = PHASE.awaitRcpt;
        return this.answer('MAIL', this.commandLine, this.transaction?.accepted ?? words.MAIL_ACCEPTED);
      case STEP.rcpt:
        return this.acceptRecipient();
      case STEP.data:
        return this.goAhead();
      case STEP.chunk:
        return this.beginChunk();
      default:
    }
  }

  private concludeRefusal(step: Step, { do: kind, reply }: Refusal) {
    const ends = kind === 'disconnect' || reply.code === 421 || step === STEP.accept || step === STEP.connect;
    switch (step) {
      case STEP.ehlo:
        this.helo = undefined;
        this.phase = PHASE.awaitHelo;
        this.answer(this.helloVerb, this.commandLine, reply);
        break;
      case STEP.mail:
        this.reset();
        this.answer('MAIL', this.commandLine, reply);
        break;
      case STEP.rcpt:
        this.phase = PHASE.awaitRcpt;
        this.answer('RCPT', this.commandLine, reply);
        break;
      case STEP.data:
        this.phase = PHASE.awaitRcpt;
        this.answer('DATA', this.commandLine, reply);
        break;
      case STEP.chunk:
        // Its octets are on their way; the answer comes behind them.
        this.chunkFate = reply;
        this.chunkFateIsOurs = false;
        if (!ends) return this.beginChunk();
        this.answer('BDAT', this.commandLine, reply);
        break;
      default:
        this.wire.say(words.renderReply(reply), words.isAscii(reply.text));
    }
    if (!ends) return;
    this.reset();
    this.hangUp();
  }

  private askAccept(): void {
    let said: Later<Verdict>;
    try {
      said = this.house.reception.accept(this);
    } catch (error) {
      said = this.fail(error);
    }
    this.take(STEP.accept, said);
  }

  private askConnect(): void {
    let said: Later<Verdict>;
    try {
      said = this.house.reception.connect(this);
    } catch (error) {
      said = this.fail(error);
    }
    this.take(STEP.connect, said);
  }

  private greet() {
    this.phase = PHASE.awaitHelo;
    if (this.farewell) return this.leave(this.farewell, PHASE.banner);
    const said = this.options.static_banner?.replace(/^220[ -]/, '') ?? this.banner;
    const lines = said.split('\n').map(joinLine);
    const last = lines.length - 1;
    this.wire.say(lines.map((line, i) => `220${i === last ? ' ' : '-'}${line}\r\n`).join(''), words.isAscii(said));
    this.wire.flush();
  }

  private acceptRecipient(): void {
    const { transaction } = this;
    const asked = this.askedAbout;
    if (transaction && asked) {
      transaction.recipients.push({ address: asked.address, params: asked.params, line: this.commandLine });
      this.recipients++;
    }
    this.askedAbout = undefined;
    this.phase = PHASE.awaitRcpt;
    this.answer('RCPT', this.commandLine, words.RCPT_ACCEPTED);
  }

  private sayFarewell(line: string): void {
    const reply = this.farewell ?? words.SHUTTING_DOWN;
    this.answer(VERB_NAMES[verbOf(line)] ?? '', line, reply);
    this.reset();
    this.hangUp();
  }

  /** A command that must wait for the reply to the one before it did not (RFC 2920 3.1): what follows it cannot be trusted. */
  protected override pipelined(verb: string, line: string): void {
    this.leave(words.PIPELINED, this.phase, verb, line);
  }

  private meetForeigner(chunk: Buffer | undefined, what: 'TLS' | 'HTTP'): number {
    this.tellEvent('foreign_protocol', what);
    if (what === 'TLS') this.wire.destroy();
    else this.leave(words.NOT_SMTP, this.phase);
    return chunk?.length ?? 0;
  }
}
