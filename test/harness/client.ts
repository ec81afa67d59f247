/** A raw SMTP client for tests: sends exactly the bytes it is told to, reads replies, upgrades to TLS. */
import net from 'node:net';
import tls from 'node:tls';

export interface Reply {
  readonly code: number;
  /** Texts after the code, a line each. */
  readonly texts: readonly string[];
  /** The reply as received, without the last line end. */
  readonly raw: string;
}

const DEFAULT_TIMEOUT_MS = 5000;

/** One connection. Every wait has a time limit and rejects with everything heard so far. */
export class RawClient {
  #socket: net.Socket;
  #heard = '';
  #read = 0;
  #closed = false;
  #wake: (() => void) | undefined;
  readonly timeoutMs: number;

  private constructor(socket: net.Socket, timeoutMs: number) {
    this.#socket = socket;
    this.timeoutMs = timeoutMs;
    this.#listen(socket);
  }

  static async connect(
    port: number,
    { host = '127.0.0.1', timeoutMs = DEFAULT_TIMEOUT_MS, localAddress }: { host?: string; timeoutMs?: number; localAddress?: string } = {},
  ): Promise<RawClient> {
    const socket = net.connect({ port, host, ...(localAddress !== undefined && { localAddress }) });
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket, timeoutMs);
  }

  /** Everything the server said, as latin1. */
  get heard(): string {
    return this.#heard;
  }

  /** Says whether the server has ended the connection. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes as they are. */
  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** A line, CRLF added. */
  line(text: string): void {
    this.send(`${text}\r\n`);
  }

  /** The next line without its end; undefined when the connection ended before one was complete. */
  async readLine(): Promise<string | undefined> {
    const deadline = performance.now() + this.timeoutMs;
    for (;;) {
      const end = this.#heard.indexOf('\r\n', this.#read);
      if (end >= 0) {
        const line = this.#heard.slice(this.#read, end);
        this.#read = end + 2;
        return line;
      }
      if (this.#closed) return undefined;
      await this.#change(deadline);
    }
  }

  /** The next whole reply, continuation lines included. Rejects when the connection ends or a line is no reply. */
  async reply(): Promise<Reply> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.readLine();
      if (line === undefined) throw new Error(`the connection ended in place of a reply; heard:\n${this.#heard}`);
      const found = /^(\d{3})([ -]?)(.*)$/.exec(line);
      if (!found) throw new Error(`"${line}" is no reply`);
      lines.push(line);
      if (found[2] !== '-') return { code: Number(found[1]), texts: lines.map((one) => one.slice(4)), raw: lines.join('\r\n') };
    }
  }

  /** Reads a reply that must have this code (and match); rejects with what came instead. */
  async expect(code: number, text?: RegExp): Promise<Reply> {
    const reply = await this.reply();
    if (reply.code !== code || (text && !text.test(reply.raw)))
      throw new Error(`expected ${code}${text ? ` ${text}` : ''}, heard "${reply.raw}"`);
    return reply;
  }

  /** Sends a line and reads its reply; with a code it must be that. */
  async command(line: string, code?: number, text?: RegExp): Promise<Reply> {
    this.line(line);
    return code === undefined ? this.reply() : this.expect(code, text);
  }

  /** EHLO, MAIL, RCPT for each recipient, DATA, body (dots not stuffed), CRLF.CRLF; resolves to the reply to the message. */
  async deliver(from: string, to: readonly string[], body: string): Promise<Reply> {
    await this.command(`MAIL FROM:<${from}>`, 250);
    for (const address of to) await this.command(`RCPT TO:<${address}>`, 250);
    await this.command('DATA', 354);
    this.send(`${body}${body.endsWith('\r\n') ? '' : '\r\n'}.\r\n`);
    return this.reply();
  }

  /** After a 220 to STARTTLS: the handshake. Without options the server's certificate is not judged. */
  async startTls(options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const secure = tls.connect({ socket: plain, rejectUnauthorized: false, ...options });
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve);
      secure.once('error', reject);
      secure.once('close', () => reject(new Error('the connection ended in the handshake')));
    });
    this.#socket = secure;
    this.#listen(secure);
    return secure;
  }

  /** Resolves when the server has ended the connection. */
  async end(): Promise<void> {
    const deadline = performance.now() + this.timeoutMs;
    while (!this.#closed) await this.#change(deadline);
  }

  /** Stops reading (a peer that lets our window fill), or reads again. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends our side in order (FIN), leaving the other open. */
  finish(): void {
    this.#socket.end();
  }

  /** Ends at once. */
  close(): void {
    this.#socket.destroy();
  }

  /** Ends with a reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #listen(socket: net.Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
      this.#wake?.();
    });
    const close = (): void => {
      this.#closed = true;
      this.#wake?.();
    };
    socket.on('end', close);
    socket.on('close', close);
    socket.on('error', close);
  }

  async #change(deadline: number): Promise<void> {
    const left = deadline - performance.now();
    if (left <= 0) throw new Error(`nothing more within ${this.timeoutMs} ms; heard:\n${this.#heard}`);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
