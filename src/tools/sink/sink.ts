/** The built-in sink: a second implementation of SMTP and LMTP that takes mail and says what it was told to say. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { SMTPServerDataStream, SMTPServerOptions, SMTPServerSession } from 'smtp-server';
import { type Rule, Script } from './rule.js';
import { type Answer, type Ruling, ScriptedServer } from './server.js';

/** One message the sink answered with a 250 (for LMTP: to at least one recipient). */
export interface Received {
  /** Envelope sender, empty for a notice. */
  readonly from: string;
  /** Envelope recipients that were accepted. */
  readonly to: readonly string[];
  /** Bytes of the message, dots unstuffed. */
  readonly size: number;
  /** The message itself; empty when the sink was told not to keep it. */
  readonly raw: Buffer;
  readonly helo: string;
  readonly secure: boolean;
  /** Which connection brought it, and the how-manieth message on it, from 1. */
  readonly connection: string;
  readonly transaction: number;
  /** MAIL and RCPT parameters as received: SIZE, BODY, RET, ENVID; NOTIFY, ORCPT. */
  readonly parameters: ReadonlyMap<string, string | true>;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface SinkOptions {
  /** 0 takes a free port. */
  readonly port?: number;
  readonly host?: string;
  readonly rules?: readonly Rule[];
  /** Keep messages in `received` with their bytes (default true). False only counts. */
  readonly keep?: boolean;
  /** Called for each message before its 250; the answer waits for it. A throw answers 450. */
  readonly onMessage?: (message: Received) => void | Promise<void>;
  readonly lmtp?: boolean;
  /** Offers STARTTLS with this key and certificate; `true` takes smtp-server's own well-known one. */
  readonly tls?: true | { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** TLS from the first byte (needs `tls`). */
  readonly implicitTls?: boolean;
  /** EHLO keywords not to offer. */
  readonly without?: readonly ('PIPELINING' | '8BITMIME' | 'SMTPUTF8' | 'DSN')[];
  /** Largest message; offered as SIZE. */
  readonly sizeLimit?: number;
  readonly greetingDelayMs?: number;
  readonly name?: string;
}

/** A running sink. */
export interface Sink extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Messages accepted so far. */
  readonly messages: number;
  /** Sum of the recipients of those messages. */
  readonly recipients: number;
  /** Connections taken so far, and the most that stood at once. */
  readonly connections: number;
  readonly mostConnections: number;
  readonly received: readonly Received[];
  /** Errors of connections: a peer that vanished, a failed handshake. */
  readonly errors: readonly Error[];
  /** Answers from now on; `script.clear()` makes the sink accept again. */
  readonly script: Script;
  /** Resolves when at least `count` messages were accepted; rejects after `timeoutMs`. */
  waitFor(count: number, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

const MOST_ERRORS = 1000;

/** Starts a sink; it listens when the promise resolves. Rejects when the port cannot be taken. */
export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const { host = '127.0.0.1', keep = true } = options;
  const script = new Script(options.rules);
  const received: Received[] = [];
  const errors: Error[] = [];
  const waiting = new Set<() => void>();
  const totals = { messages: 0, recipients: 0, connections: 0, mostConnections: 0 };

  const server = new ScriptedServer({ ...wireOptions(options), ...handlers() }, script, options.greetingDelayMs ?? 0);
  // smtp-server ends the process when nobody listens for errors.
  server.on('error', (error: Error) => {
    if (errors.length < MOST_ERRORS) errors.push(error);
  });
  server.listen(options.port ?? 0, host);
  // A port that is taken rejects here: once() listens for `error` too.
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;

  function handlers(): SMTPServerOptions {
    return {
      onConnect(session, done) {
        totals.connections += 1;
        totals.mostConnections = Math.max(totals.mostConnections, server.connections.size);
        settle(server.rule('connect', session.id, [session.remoteAddress]), done);
      },
      onMailFrom: (address, session, done) => settle(server.rule('mail', session.id, [address.address]), done),
      onRcptTo: (address, session, done) => settle(server.rule('rcpt', session.id, [address.address]), done),
      onData: (stream, session, done) => void take(stream, session).then((answers) => answers && done(answers.error, answers.lines), done),
    };
  }

  async function take(stream: SMTPServerDataStream, session: SMTPServerSession) {
    const raw = await gather(stream, keep || options.onMessage !== undefined);
    const to = session.envelope.rcptTo.map((rcpt) => rcpt.address);
    const rulings = options.lmtp
      ? await Promise.all(to.map((address) => server.rule('data', session.id, [address])))
      : [await server.rule('data', session.id, to)];
    if (rulings.includes('silence')) return undefined;
    const accepted = options.lmtp ? to.filter((_, n) => isAcceptance(rulings[n])) : isAcceptance(rulings[0]) ? to : [];
    if (accepted.length > 0) await store(describe(session, accepted, raw, stream.byteLength));
    const [first] = rulings;
    if (options.lmtp) return { error: null, lines: rulings.map((ruling) => wordsOf(ruling)) };
    return isAcceptance(first)
      ? { error: null, lines: first instanceof Error ? first.message : 'OK: message sunk' }
      : { error: first as Answer };
  }

  async function store(message: Received): Promise<void> {
    await options.onMessage?.(message);
    totals.messages += 1;
    totals.recipients += message.to.length;
    if (keep) received.push(message);
    for (const wake of waiting) wake();
  }

  return {
    host,
    port,
    received,
    errors,
    script,
    get messages() {
      return totals.messages;
    },
    get recipients() {
      return totals.recipients;
    },
    get connections() {
      return totals.connections;
    },
    get mostConnections() {
      return totals.mostConnections;
    },
    waitFor(count, timeoutMs = 10_000) {
      return new Promise((resolve, reject) => {
        const late = setTimeout(
          () => finish(new Error(`the sink has ${totals.messages} of ${count} messages after ${timeoutMs} ms`)),
          timeoutMs,
        );
        const finish = (error?: Error): void => {
          clearTimeout(late);
          waiting.delete(look);
          if (error) reject(error);
          else resolve();
        };
        const look = (): void => {
          if (totals.messages >= count) finish();
        };
        waiting.add(look);
        look();
      });
    },
    close: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

function wireOptions({ lmtp, tls, implicitTls, without = [], sizeLimit, name }: SinkOptions): SMTPServerOptions {
  return {
    name: name ?? 'sink.celeris.test',
    banner: 'Celeris sink',
    lmtp: lmtp === true,
    secure: implicitTls === true,
    disabledCommands: tls ? ['AUTH'] : ['AUTH', 'STARTTLS'],
    ...(typeof tls === 'object' && tls),
    hideSTARTTLS: !tls,
    hidePIPELINING: without.includes('PIPELINING'),
    hide8BITMIME: without.includes('8BITMIME'),
    hideSMTPUTF8: without.includes('SMTPUTF8'),
    hideDSN: without.includes('DSN'),
    ...(sizeLimit !== undefined && { size: sizeLimit }),
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
  };
}

/** Passes a ruling on to smtp-server, which has its own words for every yes; silence is never answered. */
function settle(ruling: Promise<Ruling>, done: (error?: Error | null) => void): void {
  void ruling.then((said) => {
    if (said !== 'silence') done(isAcceptance(said) || !said ? null : said);
  });
}

const isAcceptance = (ruling: Ruling): boolean => ruling === undefined || (ruling instanceof Error && ruling.responseCode < 300);

const wordsOf = (ruling: Ruling): string | Error =>
  ruling instanceof Error ? (isAcceptance(ruling) ? ruling.message : ruling) : 'OK: message sunk';

async function gather(stream: SMTPServerDataStream, wanted: boolean): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) if (wanted) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function describe(session: SMTPServerSession, to: readonly string[], raw: Buffer, size: number): Received {
  const { mailFrom, rcptTo } = session.envelope;
  const parameters = new Map<string, string | true>();
  for (const address of mailFrom ? [mailFrom, ...rcptTo] : rcptTo) {
    if (address.args) for (const [name, value] of Object.entries(address.args)) parameters.set(name, value);
  }
  return {
    from: mailFrom ? mailFrom.address : '',
    to,
    size,
    raw,
    helo: session.hostNameAppearsAs,
    secure: session.secure,
    connection: session.id,
    transaction: session.transaction,
    parameters,
    at: Date.now(),
  };
}
