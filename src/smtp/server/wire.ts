/** One connection as lines of input in order and replies joined: holds input back while an answer is awaited, and closes without losing the last word. */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { codeOf } from '../../kernel/problems.js';

/** The one who reads from a wire. */
export interface Reader {
  /**
   * Takes one unit (a command, a piece of content) from `chunk` at `at` and answers where the next one begins.
   * May `hold` or `close` the wire; it is then not called again before `release`.
   */
  consume(chunk: Buffer, at: number): number;
  /** Input came while the wire was held. Answers true when it was taken notice of and is not to be kept. */
  interrupted(): boolean;
  /** More input piled up than may be held back. */
  overran(): void;
  /** The client will send nothing more; everything it sent was taken. */
  ended(): void;
  /** The client will send nothing more; what it sent before is still held back. */
  endedEarly(): void;
  /** The reader threw: a mistake of ours. The wire is cut. */
  broke(error: unknown): void;
  /** The connection is gone. `error` is empty after a regular end. */
  gone(error: string): void;
}

/** Input that is held back above this is left to the kernel. */
const HIGH_WATER = 64 * 1024;
/** What may be read in all while one answer is awaited (the socket was paused at HIGH_WATER; a chunk may be in flight). */
const HARD_LIMIT = 256 * 1024;
/** Replies that the client does not fetch: nothing more is read from it until they are out. */
const UNREAD_REPLIES = 64 * 1024;
/** Bytes read and thrown away after the last word, so that no reset overtakes it. */
const LINGER_BYTES = 256 * 1024;

export class Wire {
  #socket: Socket;
  readonly #reader: Reader;
  #out = '';
  #outIsUtf8 = false;
  /** The reader takes no input now. */
  #held = false;
  /** The client does not fetch its replies. */
  #clogged = false;
  #closing = false;
  #over = false;
  #paused = false;
  /** Nothing is read, since there is no memory for it. */
  #halted = false;
  #inputEnded = false;
  #queue: Buffer[] = [];
  #queued = 0;
  #discarded = 0;

  constructor(socket: Socket, reader: Reader) {
    this.#socket = socket;
    this.#reader = reader;
    this.#listen(socket);
  }

  get socket(): Socket {
    return this.#socket;
  }

  get closing(): boolean {
    return this.#closing;
  }

  get over(): boolean {
    return this.#over;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Input was received that the reader has not seen. */
  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  /** Adds to the replies that go out together. */
  say(text: string, isAscii = true): void {
    this.#out += text;
    if (!isAscii) this.#outIsUtf8 = true;
  }

  /** Sends what was said. Called by the wire itself after every input; only answers outside of that need it. */
  flush(): void {
    if (this.#out === '' || this.#over || this.#socket.writableEnded) return;
    const text = this.#out;
    this.#out = '';
    const encoding = this.#outIsUtf8 ? 'utf8' : 'latin1';
    this.#outIsUtf8 = false;
    if (this.#socket.write(text, encoding)) return;
    if (this.#socket.writableLength > UNREAD_REPLIES && !this.#closing) this.#waitForDrain();
  }

  /** Takes no more input from the queue until `release`. */
  hold(): void {
    this.#held = true;
  }

  /** Goes on with what was held back, and sends the answers. */
  release(): void {
    if (!this.#held || this.#over) return;
    this.#held = false;
    if (this.#clogged) this.flush();
    else this.#drainQueue();
  }

  get halted(): boolean {
    return this.#halted;
  }

  /** Reads nothing more from the socket until `unhalt`; what was read already is worked off. */
  halt(): void {
    if (this.#closing || this.#over) return;
    this.#halted = true;
    this.#socket.pause();
  }

  /** Ends a halt. */
  unhalt(): void {
    if (!this.#halted) return;
    this.#halted = false;
    if (!this.#paused && !this.#over) this.#socket.resume();
  }

  /** Forgets input that was received and not read; answers how many bytes. */
  dropQueued(): number {
    const bytes = this.#queued;
    this.#queue = [];
    this.#queued = 0;
    return bytes;
  }

  /** Says what is to be said, sends FIN, and throws away what still comes until the client closes too. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#held = false;
    this.dropQueued();
    this.flush();
    if (this.#over) return;
    this.#socket.end();
    this.#halted = false;
    this.#resume();
    if (this.#inputEnded) this.#socket.destroySoon();
  }

  /** As close, when the client has said its last word: nothing is waited for once the answer is with the kernel. */
  part() {
    this.flush();
    if (this.#socket.writableLength > 0) return this.close();
    this.#closing = true;
    this.#socket.destroy();
  }

  /** Ends at once, without a word. */
  destroy(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  /**
   * Sends what was said in the clear, then goes on under TLS. Input that is queued must have been dropped before.
   * `secured` is called after the handshake; when it fails the wire is gone. `rest` belongs to the handshake and came already.
   */
  upgrade(
    context: SecureContext,
    requestCert: boolean,
    secured: (socket: TLSSocket) => void,
    rest?: Buffer,
    named?: (serverName: string) => SecureContext | undefined,
  ): void {
    this.flush();
    const plain = this.#socket;
    for (const event of ['data', 'end', 'close', 'error', 'drain']) plain.removeAllListeners(event);
    // TLSSocket takes first what its socket has not given away: a handshake that came before we did must not flow to nobody.
    plain.pause();
    if (rest && rest.length > 0) plain.unshift(rest);
    const secure = new TLSSocket(plain, {
      isServer: true,
      secureContext: context,
      requestCert,
      rejectUnauthorized: false,
      ...(named && { SNICallback: (serverName, done) => done(null, named(serverName)) }),
    });
    this.#socket = secure;
    // What TLSSocket emits when a handshake of the server side is done; its documented twin is for clients only.
    secure.once('secure', () => secured(secure));
    this.#listen(secure);
  }

  #listen(socket: Socket): void {
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  #error = '';

  readonly #onData = (chunk: Buffer): void => {
    if (this.#closing) {
      this.#discarded += chunk.length;
      if (this.#discarded > LINGER_BYTES) this.#socket.destroy();
      return;
    }
    if (this.#held || this.#clogged || this.#queued > 0) {
      if (this.#held && this.#reader.interrupted()) return;
      this.#enqueue(chunk);
      return;
    }
    this.#run(chunk);
    if (this.#out !== '') this.flush();
  };

  readonly #onEnd = (): void => {
    this.#inputEnded = true;
    if (this.#closing) this.#socket.destroySoon();
    else if (this.#held) this.#reader.endedEarly();
    else if (!this.#clogged && this.#queued === 0) this.#reader.ended();
  };

  readonly #onError = (error: Error): void => {
    this.#error = codeOf(error);
    this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#closing = true;
    this.dropQueued();
    this.#reader.gone(this.#error);
  };

  /** Lets the reader take unit after unit; what it does not want yet is queued. */
  #run(chunk: Buffer): void {
    let at = 0;
    const end = chunk.length;
    try {
      while (at < end && !this.#held && !this.#closing) at = this.#reader.consume(chunk, at);
    } catch (error) {
      this.destroy();
      this.#reader.broke(error);
      return;
    }
    if (at < end && !this.#closing) {
      this.#queue.unshift(chunk.subarray(at));
      this.#queued += end - at;
    }
  }

  #drainQueue(): void {
    while (!this.#held && !this.#clogged && !this.#closing) {
      const chunk = this.#queue.shift();
      if (!chunk) break;
      this.#queued -= chunk.length;
      this.#run(chunk);
    }
    this.flush();
    if (this.#closing || this.#held || this.#clogged) return;
    if (this.#paused) this.#resume();
    if (this.#inputEnded) this.#reader.ended();
  }

  #enqueue(chunk: Buffer): void {
    this.#queue.push(chunk);
    this.#queued += chunk.length;
    if (this.#queued > HARD_LIMIT) this.#reader.overran();
    else if (this.#queued > HIGH_WATER && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  #resume(): void {
    this.#paused = false;
    if (!this.#halted) this.#socket.resume();
  }

  #waitForDrain(): void {
    if (this.#clogged) return;
    this.#clogged = true;
    this.#paused = true;
    this.#socket.pause();
    this.#socket.once('drain', () => {
      this.#clogged = false;
      if (!this.#held && !this.#over) this.#drainQueue();
    });
  }
}
