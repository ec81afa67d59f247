/** Asks p0f over its socket: one connection for all questions, answered in their order, none waited for longer than the timeout. */
import net from 'node:net';
import type { Fingerprint } from './api.js';
import { decodeReply, encodeQuery, REPLY_BYTES } from './packet.js';

/** Why there is no fingerprint. */
export const FAILURES = ['cannot_connect', 'no_match', 'timeout', 'bad_reply', 'busy'] as const;
export type Failure = (typeof FAILURES)[number];

export interface ClientRules {
  readonly socketPath: string;
  readonly timeoutMs: number;
  mono(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/** So many questions wait at most; further ones are not asked. */
const MOST_WAITING = 1000;
/** After a failure nobody is asked for so long, so that a p0f that is gone or stuck costs nothing. */
const PAUSE_MS = 1000;

interface Question {
  readonly dueAt: number;
  readonly answer: (said: Fingerprint | Failure) => void;
}

export class Client {
  readonly #rules: ClientRules;
  #socket: net.Socket | undefined;
  #questions: Question[] = [];
  #heard: Buffer = Buffer.alloc(0);
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #reason: Failure = 'cannot_connect';
  #watching = false;

  constructor(rules: ClientRules) {
    this.#rules = rules;
    rules.signal.addEventListener('abort', () => this.#end('cannot_connect'));
  }

  /** What p0f says of an address, or why it says nothing. */
  ask(ip: string): Promise<Fingerprint | Failure> | Failure {
    const query = encodeQuery(ip);
    if (!query) return 'no_match';
    const { mono, timeoutMs, signal } = this.#rules;
    const now = mono();
    if (signal.aborted || now < this.#pausedUntil) return this.#reason;
    if (this.#questions.length >= MOST_WAITING) return 'busy';
    this.#socket ??= this.#connect();
    this.#socket.write(query);
    return new Promise((answer) => {
      this.#questions.push({ dueAt: now + timeoutMs, answer });
      void this.#watch();
    });
  }

  #connect(): net.Socket {
    const socket = net.connect({ path: this.#rules.socketPath });
    socket.unref();
    this.#heard = Buffer.alloc(0);
    let isOpen = false;
    socket.once('connect', () => {
      isOpen = true;
    });
    socket.on('data', (bytes) => this.#take(socket, bytes));
    // Its close event follows.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (this.#socket !== socket) return;
      this.#end(
        !isOpen ? 'cannot_connect' : this.#heard.length > 0 ? 'bad_reply' : 'cannot_connect',
        !isOpen || this.#questions.length > 0,
      );
    });
    return socket;
  }

  #take(socket: net.Socket, bytes: Buffer): void {
    if (this.#socket !== socket) return;
    this.#heard = this.#heard.length === 0 ? bytes : Buffer.concat([this.#heard, bytes]);
    while (this.#heard.length >= REPLY_BYTES) {
      const question = this.#questions.shift();
      const said = question ? decodeReply(this.#heard.subarray(0, REPLY_BYTES)) : 'bad_reply';
      this.#heard = this.#heard.subarray(REPLY_BYTES);
      question?.answer(said);
      // What follows a wrong answer cannot be matched to questions.
      if (said === 'bad_reply') this.#end('bad_reply');
    }
  }

  /** Gives the connection up; who still waits hears why. */
  #end(reason: Failure, pauses = true): void {
    const { mono } = this.#rules;
    const waiting = this.#questions;
    const socket = this.#socket;
    this.#questions = [];
    this.#socket = undefined;
    this.#heard = Buffer.alloc(0);
    socket?.destroy();
    if (pauses) {
      this.#pausedUntil = mono() + PAUSE_MS;
      this.#reason = reason;
    }
    for (const { answer } of waiting) answer(reason);
  }

  /** One timer for all questions: the oldest is always due first. */
  async #watch(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    const { mono, sleep, signal } = this.#rules;
    try {
      for (let oldest = this.#questions[0]; oldest; oldest = this.#questions[0]) {
        const left = oldest.dueAt - mono();
        if (left <= 0) this.#end('timeout');
        else await sleep(left, signal);
      }
    } catch {
      // The instance stops; its questions were answered with that.
    } finally {
      this.#watching = false;
    }
  }
}
