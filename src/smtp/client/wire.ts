/** One TCP connection to a server: opens it, frames replies, keeps one deadline, turns TLS on, and ends exactly once. */
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../../kernel/clock.js';
import { codeOf } from '../../kernel/problems.js';
import type { Watch, Watched } from '../../kernel/watch.js';
import type { TlsFacts } from '../../module/session.js';
import { type Judgement, judgePeer } from './judge-peer.js';
import { Outbox } from './outbox.js';
import { INCOMPLETE, MALFORMED, ReplyReader } from './reply-reader.js';
import type { ClientTerms, Trace } from './terms.js';

const READ_BYTES = 65_536;
/** How long we wait for the goodbye of a server. */
const FAREWELL_MS = 2000;

/** What all connections of a process share. */
export class ClientKit {
  readonly clock: Clock;
  readonly watch: Watch;
  /** Printable, without comma, never twice the same. */
  readonly nonce: () => string;
  readonly outbox = new Outbox();
  /** Reads are used up before the next one begins, so one buffer serves all connections. */
  readonly readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

  constructor(clock: Clock, watch: Watch, nonce: () => string = () => randomBytes(18).toString('base64')) {
    this.clock = clock;
    this.watch = watch;
    this.nonce = nonce;
  }
}

/** How a connection ended without our asking. */
export interface Loss {
  readonly kind: 'connect' | 'late' | 'closed' | 'protocol' | 'tls';
  /** Error code of the system, or what was wrong with the protocol. */
  readonly detail: string;
}

export interface WireOwner {
  /** The TCP connection stands. */
  opened(): void;
  /** A reply has come; its text is at hand until this returns. */
  answered(code: number): void;
  /** Encryption stands; refused certificates end in `lost`. */
  secured(facts: TlsFacts, judgement: Judgement): void;
  /** More may be written after `write` said no. */
  drained(): void;
  /** The connection broke, was late or broke the protocol. Not called after `close` or `leave`. */
  lost(loss: Loss): void;
  /** The socket is gone, whatever the reason. Exactly once, the last call. */
  gone(): void;
}

export class Wire implements Watched {
  /** Monotonic milliseconds. */
  dueAt = 0;
  readonly kit: ClientKit;
  readonly #owner: WireOwner;
  readonly #trace: Trace | undefined;
  readonly #reader = new ReplyReader();
  readonly #socket: net.Socket;
  #stream: net.Socket;
  #ended = false;
  #gone = false;
  #connected = false;
  #hadUnsent = false;
  #readWhileBusy = false;

  constructor(kit: ClientKit, terms: ClientTerms, owner: WireOwner) {
    this.kit = kit;
    this.#owner = owner;
    this.#trace = terms.trace;
    const { hop, source } = terms;
    // Node would look a name up with the system's resolver, past ours.
    if (net.isIP(hop.ip) === 0) throw new RangeError(`"${hop.ip}" is no address`);
    this.#socket = net.connect({
      host: hop.ip,
      port: hop.port,
      ...(source !== undefined && { localAddress: source }),
      noDelay: true,
      onread: {
        buffer: kit.readBuffer,
        callback: (length) => {
          this.#read(kit.readBuffer, length);
          return true;
        },
      },
    });
    this.#stream = this.#socket;
    this.#socket.once('connect', () => {
      this.#connected = true;
      if (!this.#ended) owner.opened();
    });
    this.#listen(this.#socket);
    kit.watch.add(this);
    this.expect(terms.timeouts.connectMs);
  }

  /** Local end of the connection, once it stands. */
  get local(): { readonly ip: string; readonly port: number } | undefined {
    const { localAddress: ip, localPort: port } = this.#socket;
    return ip === undefined || port === undefined ? undefined : { ip, port };
  }

  get isEncrypted(): boolean {
    return this.#stream !== this.#socket;
  }

  /** We or the server have ended it. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** The connection was lost before the system had taken all that was written: the last of it never left. */
  get hadUnsent(): boolean {
    return this.#hadUnsent;
  }

  /** Octets came that no reply was expected for. */
  get hasUnread(): boolean {
    return this.#reader.hasMore;
  }

  /** Sets the deadline anew. */
  expect(ms: number): void {
    this.dueAt = this.kit.clock.mono() + ms;
  }

  /** The reply at hand on one line. */
  oneLine(): string {
    return this.#reader.oneLine();
  }

  /** The text of each line of the reply at hand. */
  texts(): readonly string[] {
    return this.#reader.texts();
  }

  /** Sends one command. */
  say(line: string): void {
    if (this.#ended) return;
    this.kit.outbox.text(line);
    this.send();
  }

  /** Sends what was gathered in the outbox; false when the stream wants a pause. Nothing goes out on a connection that ended. */
  send(): boolean {
    return this.kit.outbox.send(this.#stream, this.isEncrypted, this.#trace);
  }

  /** Writes a piece of a large body; false when the stream wants a pause. */
  write(bytes: Uint8Array): boolean {
    if (!this.#ended) this.#trace?.('sent', bytes);
    return this.#ended || this.#stream.write(bytes);
  }

  /** Begins TLS. What the server said in clear before is forgotten. */
  secure(terms: ClientTerms): void {
    this.#reader.clear();
    const { hop, tlsVerify, demand } = terms;
    const serverName = demand?.names[0] ?? hop.name;
    const stream = tls.connect({
      socket: this.#socket,
      ...(terms.tlsContext && { secureContext: terms.tlsContext }),
      ...(net.isIP(serverName) === 0 && { servername: serverName }),
      rejectUnauthorized: false,
      checkServerIdentity: (_, certificate) => (tlsVerify === 'host' ? tls.checkServerIdentity(hop.name, certificate) : undefined),
    });
    this.#stream = stream;
    stream.once('secureConnect', () => {
      if (this.#ended) return;
      const judgement = judgePeer(stream, hop.name, demand, this.kit.clock.now());
      // DNSSEC speaks for the certificate where DANE does: no authority need know it (RFC 7672 3.1).
      const isSpokenFor = demand?.by === 'dane' && judgement.isProven;
      if (tlsVerify !== 'no' && !stream.authorized && !isSpokenFor) return this.#lose('tls', String(stream.authorizationError));
      if (judgement.fault && demand?.enforced) return this.#lose('tls', judgement.fault);
      this.#owner.secured(describe(stream), judgement);
    });
    stream.on('data', (chunk: Buffer) => this.#read(chunk, chunk.length));
    this.#listen(stream);
  }

  /** Says goodbye and closes when the server has answered, at the latest two seconds later. */
  leave(): void {
    if (this.#ended) return;
    this.say('QUIT\r\n');
    this.#ended = true;
    this.#stream.end();
    this.expect(FAREWELL_MS);
  }

  /** Closes at once. */
  close(): void {
    this.#ended = true;
    this.#destroy();
  }

  /** Calls the server's conduct a breach of the protocol. */
  accuse(what: string): void {
    this.#lose('protocol', what);
  }

  /** Deadline of whatever is going on. */
  expire(): void {
    if (this.#ended) this.#destroy();
    else this.#lose(this.#connected ? 'late' : 'connect', 'ETIMEDOUT');
  }

  #listen(stream: net.Socket): void {
    stream.on('error', (error) => this.#lose(this.#kind, codeOf(error)));
    stream.once('end', () => this.#lose(this.#kind, 'FIN'));
    stream.on('drain', () => {
      if (!this.#ended) this.#owner.drained();
    });
    stream.once('close', () => {
      this.#lose(this.#kind, 'closed');
      this.#vanish(stream);
    });
  }

  get #kind(): 'connect' | 'closed' {
    return this.#connected ? 'closed' : 'connect';
  }

  #read(chunk: Buffer, length: number): void {
    if (this.#ended) return;
    if (this.#readWhileBusy) {
      this.#lose('protocol', 'reply while another was read');
      return;
    }
    this.#readWhileBusy = true;
    this.#trace?.('received', chunk.subarray(0, length));
    const reader = this.#reader;
    reader.push(chunk, length);
    for (;;) {
      const code = reader.next();
      if (code === INCOMPLETE) break;
      if (code === MALFORMED) {
        this.#lose('protocol', reader.fault);
        break;
      }
      this.#owner.answered(code);
      if (this.#ended) break;
    }
    this.#readWhileBusy = false;
  }

  #lose(kind: Loss['kind'], detail: string): void {
    if (this.#ended) {
      this.#destroy();
      return;
    }
    this.#ended = true;
    this.#hadUnsent = this.#stream.writableLength > 0;
    this.#destroy();
    this.#owner.lost({ kind, detail });
  }

  #destroy(): void {
    this.#stream.destroy();
    this.#socket.destroy();
  }

  #vanish(stream: net.Socket): void {
    if (this.#gone || stream !== this.#socket) return;
    this.#gone = true;
    this.kit.watch.remove(this);
    this.#owner.gone();
  }
}

function describe(stream: tls.TLSSocket): TlsFacts {
  const cipher = stream.getCipher();
  const certificate = stream.getPeerCertificate();
  const bits = /(128|192|256)/.exec(cipher.standardName)?.[1];
  return {
    protocol: stream.getProtocol() ?? '',
    cipher: cipher.name,
    bits: /CHACHA20/.test(cipher.standardName) ? 256 : Number(bits ?? 0),
    verified: stream.authorized,
    ...(certificate.subject && { subject: formatName(certificate.subject) }),
    ...(certificate.issuer && { issuer: formatName(certificate.issuer) }),
  };
}

/** `C=DE/O=x/CN=y`; slashes and backslashes in values have a backslash in front. */
const formatName = (name: tls.Certificate): string =>
  Object.entries(name)
    .map(([key, value]) => `${key}=${(Array.isArray(value) ? value.join('+') : String(value)).replace(/[\\/]/g, '\\$&')}`)
    .join('/');
