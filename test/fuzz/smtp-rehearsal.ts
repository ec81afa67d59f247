/** A service with a reception that writes down what it is asked, and a client that speaks octet by octet: for tests of the session engine. */
import net from 'node:net';
import { core } from '../../src/config/core/index.js';
import type { InboundValues } from '../../src/config/snapshot.js';
import { defaultsIn, makeValues } from '../../src/config/values.js';
import { type Clock, systemClock } from '../../src/kernel/clock.js';
import { IdSource } from '../../src/kernel/ids.js';
import { reply } from '../../src/mail/reply.js';
import type { LargeBody } from '../../src/module/spool.js';
import type { Reply, Verdict } from '../../src/module/verdict.js';
import { TlsContexts } from '../../src/net/tls-contexts.js';
import type { Later, ReceivedContent, Reception, ServerSession, SessionEvent } from '../../src/smtp/server/reception.js';
import { SmtpService } from '../../src/smtp/server/service.js';

export interface Kept {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly header: string;
  readonly body: string;
  readonly dots: boolean;
  readonly facts: ReceivedContent['facts'];
  readonly size: number;
}

type Question = 'accept' | 'connect' | 'ehlo' | 'mailFrom' | 'rcptTo' | 'recipients';

/** What is told apart from messages: `refused 501 5.5.2 …`, `event overrun`, `reset`, `closed`. */
export class RecordingReception implements Reception<object> {
  values: InboundValues | undefined;
  readonly kept: Kept[] = [];
  readonly told: string[] = [];
  readonly commands: string[] = [];
  readonly errors: unknown[] = [];
  /** Answers by question; a function gets the session and the text it is about. */
  readonly answers: Partial<Record<Question, (session: ServerSession<object>, about: string) => Later<Verdict>>> = {};
  answerMessage: (session: ServerSession<object>, content: ReceivedContent) => Later<Reply | readonly Reply[]> = () =>
    reply(250, '2.0.0', 'OK kept');
  largeBody?: (session: ServerSession<object>) => Promise<LargeBody>;

  constructor(values: InboundValues) {
    this.values = values;
  }

  options(): InboundValues | undefined {
    return this.values;
  }
  accept(session: ServerSession<object>): Later<Verdict> {
    return this.answers.accept?.(session, '');
  }
  connect(session: ServerSession<object>): Later<Verdict> {
    return this.answers.connect?.(session, '');
  }
  ehlo(session: ServerSession<object>, verb: string, name: string): Later<Verdict> {
    return this.answers.ehlo?.(session, `${verb} ${name}`);
  }
  mailFrom(session: ServerSession<object>, sender: unknown): Later<Verdict> {
    return this.answers.mailFrom?.(session, String(sender));
  }
  rcptTo(session: ServerSession<object>, recipient: unknown): Later<Verdict> {
    return this.answers.rcptTo?.(session, String(recipient));
  }
  recipients(session: ServerSession<object>): Later<Verdict> {
    return this.answers.recipients?.(session, '');
  }
  message(session: ServerSession<object>, content: ReceivedContent): Later<Reply | readonly Reply[]> {
    this.kept.push({
      sender: String(session.transaction?.sender ?? ''),
      recipients: session.transaction?.recipients.map(({ address }) => String(address)) ?? [],
      header: content.header.toString('latin1'),
      body: Buffer.concat(content.body.resident ?? []).toString('latin1'),
      dots: content.body.dots,
      facts: content.facts,
      size: content.size,
    });
    return this.answerMessage(session, content);
  }
  reset(): void {
    this.told.push('reset');
  }
  command(_session: ServerSession<object>, verb: string, line: string, { code }: Reply): void {
    this.commands.push(`${verb}|${line}|${code}`);
  }
  refused(_session: ServerSession<object>, phase: number, { code, status, text }: Reply): void {
    this.told.push(`refused ${phase}: ${code} ${status} ${text}`);
  }
  event(_session: ServerSession<object>, event: SessionEvent, detail: string): void {
    this.told.push(`event ${event}: ${detail}`);
  }
  failed(_session: ServerSession<object>, error: unknown): void {
    this.errors.push(error);
  }
  closed(): void {
    this.told.push('closed');
  }
}

/** The defaults of every option an SMTP client can have, some of them changed. */
export function inboundValues(changes: Partial<InboundValues> = {}): InboundValues {
  const scopes = ['global', 'pathway_group', 'pathway', 'esmtp_listener', 'listen', 'peer'] as const;
  return Object.freeze({ ...makeValues(defaultsIn(core, scopes), new Map()), ...changes }) as InboundValues;
}

/** A client. It never waits on its own: `say` sends, `hear` waits for one reply. */
export class Client {
  readonly socket: net.Socket;
  #heard = '';
  #ended = false;
  #failure = '';
  #wake: (() => void) | undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.#listen(socket);
  }

  #listen(socket: net.Socket): void {
    socket.on('data', (chunk) => {
      this.#heard += chunk.toString('utf8');
      this.#wake?.();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wake?.();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error.code ?? error.message;
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** Goes on over another socket (TLS). */
  over(socket: net.Socket): Client {
    return new Client(socket);
  }

  say(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** One whole reply without the last CRLF; empty when the server closed instead. */
  async hear(): Promise<string> {
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(this.#heard)?.[0];
      if (whole) {
        this.#heard = this.#heard.slice(whole.length);
        return whole.slice(0, -2);
      }
      if (this.#ended) return '';
      await this.#more();
    }
  }

  /** Sends and waits for one reply. */
  ask(text: string | Buffer): Promise<string> {
    this.say(text);
    return this.hear();
  }

  /** Everything until the server closes. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more();
    return this.#heard;
  }

  get unread(): string {
    return this.#heard;
  }

  get failure(): string {
    return this.#failure;
  }

  close(): void {
    this.socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((done) => {
      this.#wake = () => {
        this.#wake = undefined;
        done();
      };
    });
  }
}

export interface Stage {
  readonly reception: RecordingReception;
  readonly service: SmtpService<object>;
  readonly contexts: TlsContexts;
  readonly port: number;
  /** Connects and, unless told not to, takes the banner. */
  dial(silent?: boolean): Promise<Client>;
  close(): Promise<void>;
}

export interface Setting {
  readonly options?: Partial<InboundValues>;
  readonly clock?: Clock;
  readonly lmtp?: boolean;
  readonly contexts?: TlsContexts;
  readonly largeBodyBytes?: number;
  readonly before?: (reception: RecordingReception) => void;
}

/** Opens a service on a free port. */
export async function openStage({
  options,
  clock = systemClock,
  lmtp = false,
  contexts = new TlsContexts(),
  largeBodyBytes = 131_072,
  before,
}: Setting = {}): Promise<Stage> {
  const reception = new RecordingReception(inboundValues(options));
  before?.(reception);
  const ids = new IdSource(clock, 1);
  const service = new SmtpService<object>({
    reception,
    clock,
    contexts,
    hostname: 'mx.test',
    product: 'Celeris 0',
    nextId: () => ids.next(),
    troubled: (error) => {
      throw error;
    },
    largeBodyBytes: () => largeBodyBytes,
  });
  const door = { stanza: 'esmtp_listener', listen: 'test', lmtp };
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => service.accept(socket, door));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  const clients: Client[] = [];
  return {
    reception,
    service,
    contexts,
    port,
    async dial(silent = false) {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
      const client = new Client(socket);
      clients.push(client);
      if (!silent) await client.hear();
      return client;
    },
    async close() {
      for (const client of clients) client.close();
      server.close();
      await service.shutDown(AbortSignal.timeout(1000));
    },
  };
}

/** EHLO, MAIL, RCPT and DATA, up to 354. */
export async function openData(client: Client): Promise<void> {
  await client.ask('EHLO client.test\r\n');
  await client.ask('MAIL FROM:<a@b.test>\r\n');
  await client.ask('RCPT TO:<c@d.test>\r\n');
  await client.ask('DATA\r\n');
}
