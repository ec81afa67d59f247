/** A fast SMTP server that books which numbered message came how often, and which of them a kill found unanswered. */
import { once } from 'node:events';
import net from 'node:net';

/** What the ledger may say in place of its yes; `drop` ends the connection without a word. */
export type Objection = string | 'drop' | undefined;

export interface LedgerOptions {
  readonly host?: string;
  /** Asked at RCPT and after the message, with the first recipient's local part. */
  readonly object?: (phase: 'rcpt' | 'message', localPart: string) => Objection;
  /** Called after the 250 to a message. */
  readonly onMessage?: (localPart: string) => void;
}

/** One connection: what it has said and not yet ended. */
interface Line {
  readonly socket: net.Socket;
  rest: Buffer;
  inMessage: boolean;
  recipient: string;
  /** Numbers of the last message it was given a 250 for and of the one before, -1 before there were any. */
  last: number;
  former: number;
}

const END = Buffer.from('\r\n.\r\n');
const EMPTY = Buffer.alloc(0);
/** Recipients are m0, m1 …; whom notices go to, s0, s1 …. */
const MESSAGE = /^m(\d+)$/;
const SENDER = /^s(\d+)$/;

/** Takes messages to m<number>@anything and notices to s<number>@anything; counts each number. */
export class Ledger {
  /** How often each number was given a 250. */
  readonly times = new Map<number, number>();
  /** How often a kill found a number among the last two answered on a standing connection: it may come once more for each. */
  readonly excused = new Map<number, number>();
  /** Notices that arrived, by the number of the message they are about. */
  readonly notices = new Map<number, number>();
  /** Recipients of neither kind that a message came for: nobody of the test sent it. */
  readonly strangers: string[] = [];
  /** Answered messages, repeats and notices included. */
  total = 0;
  /** Monotonic milliseconds of the last one. */
  lastAt = 0;
  /** Monotonic milliseconds of the first 250 to each number, and of each kill. */
  readonly #answeredAt = new Map<number, number>();
  readonly #killedAt: number[] = [];
  readonly #lines = new Set<Line>();
  readonly #server: net.Server;
  readonly #options: LedgerOptions;

  private constructor(options: LedgerOptions) {
    this.#options = options;
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Listens on a free port (of 127.0.0.1 unless told otherwise). */
  static async start(options: LedgerOptions = {}): Promise<Ledger> {
    const ledger = new Ledger(options);
    ledger.#server.listen({ port: 0, host: options.host ?? '127.0.0.1', backlog: 1024 });
    await once(ledger.#server, 'listening');
    return ledger;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get connections(): number {
    return this.#lines.size;
  }

  /** Numbers given more 250s than once plus one for each kill that may have lost the answer, and how long before a kill the first came. */
  repeats(): string[] {
    const found: string[] = [];
    for (const [number, times] of this.times) {
      if (times <= 1 + (this.excused.get(number) ?? 0)) continue;
      const at = this.#answeredAt.get(number) ?? 0;
      const kill = this.#killedAt.find((one) => one >= at);
      found.push(
        `m${number}: ${times} times, first ${kill === undefined ? 'after all kills' : `${(kill - at).toFixed(1)} ms before a kill`}`,
      );
    }
    return found;
  }

  /** Numbers that came more than once because a kill lost the answer. */
  excusedRepeats(): number[] {
    return [...this.times].filter(([number, times]) => times > 1 && times <= 1 + (this.excused.get(number) ?? 0)).map(([number]) => number);
  }

  /** Numbers of these that neither came nor are told of in a notice. */
  missing(numbers: Iterable<number>): number[] {
    return [...numbers].filter((number) => !this.times.has(number) && !this.notices.has(number));
  }

  /**
   * Kills the daemon by `kill` and books what was in flight: of each connection that stood at that instant the last message with a 250,
   * whether that was said before the kill or is said, to nobody, while the rest of what was sent is read; and the one before, since a
   * client that pipelines MAIL behind the dot hears its 250 and sends the last one's text in one turn of its loop.
   */
  async witness(kill: () => Promise<void>): Promise<void> {
    const standing = [...this.#lines];
    this.#killedAt.push(performance.now());
    await kill();
    await Promise.all(standing.map(({ socket }) => (socket.closed ? undefined : once(socket, 'close'))));
    for (const { last, former } of standing)
      for (const number of [last, former]) if (number >= 0) this.excused.set(number, (this.excused.get(number) ?? 0) + 1);
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#lines) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: net.Socket): void {
    const line: Line = { socket, rest: EMPTY, inMessage: false, recipient: '', last: -1, former: -1 };
    this.#lines.add(line);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#lines.delete(line));
    socket.on('data', (chunk: Buffer) => this.#read(line, chunk));
    socket.write('220 ledger\r\n');
  }

  #read(line: Line, chunk: Buffer): void {
    const bytes = line.rest.length === 0 ? chunk : Buffer.concat([line.rest, chunk]);
    let at = 0;
    let answer = '';
    while (at < bytes.length) {
      const end = bytes.indexOf(line.inMessage ? END : '\r\n', at, 'latin1');
      if (end < 0) break;
      const said = line.inMessage ? this.#end(line) : this.#obey(line, bytes.toString('latin1', at, end));
      at = end + (said.after === 'message' ? END.length : 2);
      if (said.text === 'drop') {
        // What was answered before must be heard; without that, a reset.
        if (answer === '') line.socket.resetAndDestroy();
        else line.socket.end(answer, () => line.socket.destroy());
        return;
      }
      answer += said.text;
    }
    line.rest = at === bytes.length ? EMPTY : Buffer.from(bytes.subarray(at));
    if (answer !== '' && line.socket.writable) line.socket.write(answer);
  }

  #obey(line: Line, command: string): { readonly text: string; readonly after: 'command' } {
    const say = (text: string) => ({ text, after: 'command' as const });
    switch (command.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return say('250-ledger\r\n250-PIPELINING\r\n250 8BITMIME\r\n');
      case 'MAIL':
        line.recipient = '';
        return say('250 2.1.0 ok\r\n');
      case 'RCPT': {
        const localPart = /<([^@>]*)/.exec(command)?.[1] ?? '';
        const objection = this.#options.object?.('rcpt', localPart);
        if (objection !== undefined) return say(objection === 'drop' ? objection : `${objection}\r\n`);
        line.recipient = localPart;
        return say('250 2.1.5 ok\r\n');
      }
      case 'DATA':
        if (line.recipient === '') return say('503 5.5.1 nobody to send to\r\n');
        line.inMessage = true;
        return say('354 go ahead\r\n');
      case 'QUIT':
        setImmediate(() => line.socket.end());
        return say('221 bye\r\n');
      default:
        return say('250 ok\r\n');
    }
  }

  #end(line: Line): { readonly text: string; readonly after: 'message' } {
    line.inMessage = false;
    const objection = this.#options.object?.('message', line.recipient);
    if (objection !== undefined) return { text: objection === 'drop' ? objection : `${objection}\r\n`, after: 'message' };
    this.total += 1;
    this.lastAt = performance.now();
    const number = Number(MESSAGE.exec(line.recipient)?.[1] ?? -1);
    const sender = Number(SENDER.exec(line.recipient)?.[1] ?? -1);
    line.former = line.last;
    line.last = number;
    if (number >= 0 && !this.#answeredAt.has(number)) this.#answeredAt.set(number, this.lastAt);
    if (number >= 0) this.times.set(number, (this.times.get(number) ?? 0) + 1);
    if (number < 0 && sender < 0 && this.strangers.length < 100) this.strangers.push(line.recipient);
    if (sender >= 0) this.notices.set(sender, (this.notices.get(sender) ?? 0) + 1);
    this.#options.onMessage?.(line.recipient);
    return { text: '250 2.0.0 booked\r\n', after: 'message' };
  }
}
