/** One session with a server: greeting first, then batch after batch until one side has had enough. */
import { STAGE, type Stage } from '../../module/attempt.js';
import type { TlsFacts } from '../../module/session.js';
import type { Batch } from './batch.js';
import { type Capabilities, NO_CAPABILITIES } from './capabilities.js';
import { Greeting } from './greeting.js';
import type { Judgement } from './judge-peer.js';
import type { ClientTerms } from './terms.js';
import { Transfer } from './transfer.js';
import { type ClientKit, type Loss, Wire, type WireOwner } from './wire.js';
import { protocolError, WORDS } from './words.js';

/** Why a session ended before we wanted it to. */
export interface Failure {
  /** refused: the server answered 4xx or 5xx before any mail; login: not under this identity; `connect`: no connection; the rest as in Loss. */
  readonly kind: 'refused' | 'login' | Loss['kind'];
  /** What it means for mail, code first. */
  readonly reply: string;
  readonly stage: Stage;
  /** For logs: error code, or what was wrong. */
  readonly detail: string;
}

/** Who feeds a session and learns what came of it. Calls come from socket events, never from within `begin`, `stop` or the constructor. */
export interface SessionOwner {
  /**
   * The session could take a batch: undefined leaves it idle. `riding`: the batch's commands go out together with the end of the
   * message that is being sent, so it must not depend on its outcome.
   */
  next(session: ClientSession, riding: boolean): Batch | undefined;
  /** Every mail of the batch has its result. Exactly once for each batch. */
  concluded(session: ClientSession, batch: Batch): void;
  /** The session ended; without a failure when we or an idle server ended it. No batch is open any more. Exactly once. */
  closed(session: ClientSession, failure: Failure | undefined): void;
  /** The socket is gone. Exactly once, after `closed`. */
  gone(session: ClientSession): void;
}

export class ClientSession implements WireOwner {
  readonly id: string;
  readonly kit: ClientKit;
  /** May be replaced while the session is idle, by terms for the same hop, source and TLS policy. */
  terms: ClientTerms;
  can: Capabilities = NO_CAPABILITIES;
  tls: TlsFacts | undefined;
  /** Whether the server proved to be the host it is taken for, and what was wrong where that is only reported. */
  judgement: Judgement | undefined;
  /** The server took our XCLIENT: this connection stands for that one origin. */
  isIntroduced = false;
  /** Mails delivered and RCPT commands sent so far. */
  deliveries = 0;
  recipients = 0;
  readonly owner: SessionOwner;
  readonly wire: Wire;
  #greeting: Greeting | undefined;
  #transfer: Transfer | undefined;
  #closed = false;

  constructor(id: string, kit: ClientKit, terms: ClientTerms, owner: SessionOwner) {
    this.id = id;
    this.kit = kit;
    this.terms = terms;
    this.owner = owner;
    this.#greeting = new Greeting(this);
    this.wire = new Wire(kit, terms, this);
  }

  /** Our end, once the connection stands. */
  get local(): { readonly ip: string; readonly port: number } | undefined {
    return this.wire.local;
  }

  /** Greeting is over. */
  get ready(): boolean {
    return this.#transfer !== undefined;
  }

  get idle(): boolean {
    return !this.#closed && this.#transfer !== undefined && this.#transfer.idle;
  }

  get hasClosed(): boolean {
    return this.#closed;
  }

  /** The final dot went out and its answer is awaited. */
  get awaitsConfirmation(): boolean {
    return this.#transfer?.awaitsConfirmation === true;
  }

  /** Gives an idle session work. */
  begin(batch: Batch): void {
    this.#transfer?.begin(batch);
  }

  /** Says goodbye: now when idle, else after the batches in hand. */
  leave(): void {
    if (this.#closed) return;
    if (this.#transfer) this.#transfer.leave();
    else this.end(undefined);
  }

  /** Ends the session as soon as that is safe: at once, or after the answer to a final dot. Mails not yet sent stay unsent. */
  stop(): void {
    if (this.#closed) return;
    if (this.#transfer) this.#transfer.stop();
    else this.end(undefined);
  }

  /** Ends the session now, whatever it does. Mail whose final dot went out may arrive twice. */
  abort(): void {
    if (this.#closed) return;
    const reply = WORDS.stopping;
    const failure: Failure = { kind: 'closed', reply, stage: this.#transfer?.stage ?? STAGE.unknown, detail: 'aborted' };
    if (this.awaitsConfirmation) this.#transfer?.breakOff(failure);
    else this.#transfer?.stop();
    this.end(undefined);
  }

  /** For the greeting: mail may flow. */
  welcome(): void {
    this.#greeting = undefined;
    this.#transfer = new Transfer(this);
    this.#transfer.fill();
  }

  /** Ends the session because of the server; says goodbye where that makes sense. */
  fail(failure: Failure): void {
    if (this.#closed) return;
    this.#closed = true;
    this.terms.trace?.('failed', Buffer.from(`${failure.kind} (${failure.detail}): ${failure.reply}`));
    if (failure.kind === 'refused' || failure.kind === 'login') this.wire.leave();
    else this.wire.close();
    this.owner.closed(this, failure);
  }

  /** Ends the session of our own will. */
  end(how: 'quit' | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    if (how === 'quit') this.wire.leave();
    else this.wire.close();
    this.owner.closed(this, undefined);
  }

  opened(): void {
    this.#greeting?.opened();
  }

  secured(facts: TlsFacts, judgement: Judgement): void {
    this.tls = facts;
    this.judgement = judgement;
    this.#greeting?.secured();
  }

  answered(code: number): void {
    if (this.#transfer) this.#transfer.answered(code);
    else this.#greeting?.answered(code);
  }

  drained(): void {
    this.#transfer?.drained();
  }

  lost(loss: Loss): void {
    if (this.#closed) return;
    if (!this.#transfer) {
      this.fail(failureOf(loss, this.#greeting?.silence ?? WORDS.closed, this.#greeting?.stage ?? STAGE.unknown));
      return;
    }
    const transfer = this.#transfer;
    if (transfer.idle) {
      loss.kind === 'late' ? this.end('quit') : this.end(undefined);
      return;
    }
    const failure = failureOf(loss, transfer.silence, transfer.stage);
    transfer.breakOff(failure);
    this.fail(failure);
  }

  gone(): void {
    if (!this.#closed) this.end(undefined);
    this.owner.gone(this);
  }
}

/** Words for a loss; `silence` is what is said when the server was silent. */
function failureOf({ kind: how, detail }: Loss, silence: string, stage: Stage): Failure {
  const kind = stage === STAGE.tlsHandshake ? 'tls' : how;
  const reply =
    kind === 'connect'
      ? detail === 'ETIMEDOUT'
        ? WORDS.connectTimeout
        : WORDS.noConnection
      : kind === 'late'
        ? silence
        : kind === 'protocol'
          ? protocolError(detail)
          : kind === 'tls'
            ? WORDS.tlsFailed
            : WORDS.closed;
  return { kind, reply, stage, detail };
}
