/** One connection to the server under test: octets exactly as told and in the writes told, replies with a deadline, TLS. */
import net from 'node:net';
import tls from 'node:tls';
import { type ProbeReply, ReplyReader } from './reply.js';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** TLS from the first octet. */
  readonly implicitTls: boolean;
}

/** Tells why a dialogue could not begin; `code` is that of the system (ECONNREFUSED, ENOTFOUND). */
export class NoDialogue extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export class Dialogue {
  #socket: net.Socket;
  #reader = new ReplyReader();
  readonly #replies: ProbeReply[] = [];
  #isEnded = false;
  #wake: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Connects within `timeoutMs`; rejects with NoDialogue. Whoever aborts the signal ends the connection, then and later. */
  static async connect({ host, port, implicitTls }: Target, timeoutMs: number, signal: AbortSignal): Promise<Dialogue> {
    // The certificate of a server under test proves nothing that a case asks for.
    const socket = implicitTls
      ? tls.connect({ host, port, rejectUnauthorized: false, ...(net.isIP(host) === 0 && { servername: host }) })
      : net.connect({ host, port, noDelay: true });
    const dialogue = new Dialogue(socket);
    signal.addEventListener('abort', () => dialogue.close(), { once: true });
    await new Promise<void>((done, fail) => {
      const timer = setTimeout(() => fail(new NoDialogue(`no connection within ${timeoutMs} ms`, 'ETIMEDOUT')), timeoutMs);
      const settle = (act: () => void) => () => {
        clearTimeout(timer);
        act();
      };
      socket.once(implicitTls ? 'secureConnect' : 'connect', settle(done));
      socket.once('error', (error: NodeJS.ErrnoException) => settle(() => fail(new NoDialogue(error.message, error.code ?? 'EIO')))());
      socket.once(
        'close',
        settle(() => fail(new NoDialogue('the connection ended before it stood', 'ECONNRESET'))),
      );
    }).catch((error: unknown) => {
      dialogue.close();
      throw error;
    });
    return dialogue;
  }

  /** The server has closed, and everything it said was heard. */
  get isEnded(): boolean {
    return this.#isEnded && this.#replies.length === 0;
  }

  get localAddress(): string {
    return this.#socket.localAddress ?? '127.0.0.1';
  }

  /** Octets as latin1, in one write. */
  send(bytes: string): void {
    if (!this.#isEnded) this.#socket.write(Buffer.from(bytes, 'latin1'));
  }

  /** The next reply; undefined when the connection ended or `timeoutMs` passed. */
  async hear(timeoutMs: number): Promise<ProbeReply | undefined> {
    const until = performance.now() + timeoutMs;
    while (this.#replies.length === 0) {
      const left = until - performance.now();
      if (this.#isEnded || left <= 0) return undefined;
      await new Promise<void>((done) => {
        const timer = setTimeout(done, left);
        this.#wake = () => {
          clearTimeout(timer);
          done();
        };
      });
      this.#wake = undefined;
    }
    return this.#replies.shift();
  }

  /** The handshake behind a 220; answers whether it succeeded. */
  async secure(timeoutMs: number): Promise<boolean> {
    const plain = this.#socket;
    for (const event of ['data', 'end', 'close']) plain.removeAllListeners(event);
    const secure = tls.connect({ socket: plain, rejectUnauthorized: false });
    this.#reader = new ReplyReader();
    const stands = await new Promise<boolean>((done) => {
      const timer = setTimeout(done, timeoutMs, false);
      const settle = (result: boolean) => () => {
        clearTimeout(timer);
        done(result);
      };
      secure.once('secureConnect', settle(true));
      secure.once('error', settle(false));
      secure.once('close', settle(false));
    });
    this.#socket = secure;
    this.#listen(secure);
    if (!stands) {
      secure.destroy();
      this.#isEnded = true;
    }
    return stands;
  }

  close(): void {
    this.#socket.destroy();
    this.#end();
  }

  #listen(socket: net.Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#replies.push(...this.#reader.read(chunk.toString('latin1')));
      if (this.#reader.isFlooded) this.close();
      this.#wake?.();
    });
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
    socket.on('error', () => this.#end());
  }

  #end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }
}
