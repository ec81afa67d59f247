/** Clients that speak for somebody else: the PROXY header before the first word, and the extensions that only trusted peers have. */
import type { InboundValues } from '../../config/snapshot.js';
import type { Endpoint } from '../../module/session.js';
import { type ProxyVersions, readProxyHeader } from '../../net/proxy-header.js';
import { Secured } from './secured.js';
import { MODE, PHASE } from './states.js';
import { readAddress, readContext, readXclient, readXforward, type Told } from './told.js';
import * as words from './words.js';

/** Stands for an address the proxy does not know: nobody trusts it. */
const UNKNOWN_IP = '0.0.0.0';
/** Facts of one connection, so that no peer fills the memory. */
const MOST_FACTS = 500;
const NOTHING = Buffer.alloc(0);

export abstract class Proxied<Own> extends Secured<Own> {
  /** Extensions the connected peer is trusted with, kept when it speaks for another. */
  private trust: ReadonlySet<string> | undefined = undefined;
  private proxyBytes: Buffer = NOTHING;
  /** Facts XFORWARD set; they go with the next message. */
  private forwarded: string[] | undefined = undefined;

  /** Greets; `rest` is what came of a TLS handshake already. */
  protected abstract begin(rest?: Buffer): void;
  /** Asks accept and connect, and says the banner. */
  protected abstract open(): void;

  /** Waits for the header of a proxy before anything else; nothing is said until it is here. */
  awaitProxy(seconds: number): void {
    this.mode = MODE.proxy;
    this.dueIn(seconds * 1000);
  }

  protected takeProxy(chunk: Buffer, at: number): number {
    const held = this.proxyBytes.length;
    const bytes = held > 0 ? Buffer.concat([this.proxyBytes, chunk.subarray(at)]) : chunk.subarray(at);
    const wanted = this.options.proxy_protocol;
    const versions: ProxyVersions = wanted === 'v1' || wanted === 'v2' ? wanted : 'any';
    const header = readProxyHeader(bytes, versions);
    if (header === 'more') {
      this.proxyBytes = Buffer.from(bytes);
      return chunk.length;
    }
    this.proxyBytes = NOTHING;
    if (header === 'bad') {
      this.tellEvent('bad_proxy_header', 'no PROXY header came first, or none that can be read');
      this.wire.destroy();
      return chunk.length;
    }
    const next = at + header.length - held;
    this.mode = MODE.command;
    if (header.from) this.become(header.from);
    if (header.to) this.localEnd = header.to;
    if (!this.readOptions()) return chunk.length;
    if (!this.options.use_ssl) {
      this.spokeEarly = next < chunk.length;
      this.begin();
      return next;
    }
    this.begin(Buffer.from(chunk.subarray(next)));
    return chunk.length;
  }

  protected override adopt(options: InboundValues): void {
    super.adopt(options);
    if (options.pathway !== undefined || this.pathway !== undefined || this.facts.has('pathway')) this.notePathway(options);
  }

  private notePathway(options: InboundValues): void {
    const way = this.house.reception.pathwayOf?.(this);
    delete this.pathway;
    delete this.pathwayGroup;
    const name = way?.pathway ?? options.pathway;
    if (name !== undefined) this.pathway = name;
    if (way?.group !== undefined) this.pathwayGroup = way.group;
  }

  /** A command that needs trust, or the mark of a proxy nobody announced. */
  protected trusted(verb: string, line: string) {
    if (!(this.trust ?? this.current.trusted).has(verb)) return this.leave(words.UNTRUSTED, this.phase, verb, line);
    switch (verb) {
      case 'XCLIENT':
        return this.xclient(line);
      case 'XFORWARD':
        return this.xforward(line);
      case 'XREMOTEIP':
        return this.xremoteip(line);
      case 'XSETCONTEXT':
        return this.xsetcontext(line);
      default:
        return this.xdumpcontext(line);
    }
  }

  protected override reset(): void {
    super.reset();
    this.forgetForwarded();
  }

  protected override endTransaction(): void {
    super.endTransaction();
    this.forgetForwarded();
  }

  private xclient(line: string) {
    if (this.moreBehind) return this.pipelined('XCLIENT', line);
    if (this.transaction) return this.error('XCLIENT', line, words.BAD_SEQUENCE);
    const told = readXclient(line);
    if (!told) return this.error('XCLIENT', line, words.BAD_ATTRIBUTE);
    this.trust ??= this.current.trusted;
    this.reset();
    const { ip, port } = this.peer;
    const address = told.get('ADDR');
    const toldPort = told.get('PORT');
    this.become({
      ip: address === undefined ? ip : (address ?? UNKNOWN_IP),
      port: toldPort === undefined ? port : Number(toldPort ?? 0),
    });
    this.becomeLocal(told);
    this.facts.clear();
    if (this.tls) {
      // The certificate is that of the one who tells, not of the one who is told of.
      const { protocol, cipher, bits } = this.tls;
      this.tls = { protocol, cipher, bits, verified: false };
      this.noteTls();
    }
    this.becomeUser(told.get('LOGIN'));
    this.helo = told.get('HELO') ?? undefined;
    this.heloLine = this.helo === undefined ? '' : `EHLO ${this.helo}`;
    this.protocol = this.lmtp ? 'lmtp' : told.get('PROTO') === 'esmtp' ? 'esmtp' : 'smtp';
    const name = told.get('NAME');
    if (name) this.facts.set('client_name', name);
    this.keywords = undefined;
    this.phase = PHASE.connected;
    if (this.readOptions()) this.open();
  }

  private xforward(line: string) {
    if (this.transaction) return this.error('XFORWARD', line, words.BAD_SEQUENCE);
    const told = readXforward(line);
    if (!told) return this.error('XFORWARD', line, words.BAD_ATTRIBUTE);
    this.forwarded ??= [];
    for (const [name, value] of told) {
      const fact = `xforward_${name.toLowerCase()}`;
      if (value === null) this.facts.delete(fact);
      else this.facts.set(fact, value);
      this.forwarded.push(fact);
    }
    this.answer('XFORWARD', line, words.TOLD);
  }

  private xremoteip(line: string) {
    const ip = readAddress(line.slice(10).trim());
    if (ip === undefined) return this.error('XREMOTEIP', line, words.BAD_ATTRIBUTE);
    this.trust ??= this.current.trusted;
    this.become({ ip, port: this.peer.port });
    if (this.readOptions()) this.answer('XREMOTEIP', line, words.TOLD);
  }

  private xsetcontext(line: string) {
    const told = readContext(line);
    if (!told) return this.error('XSETCONTEXT', line, words.BAD_ATTRIBUTE);
    if (this.facts.size + told.size > MOST_FACTS) return this.refuse('XSETCONTEXT', line, words.TOO_MUCH_CONTEXT);
    for (const [key, value] of told) this.facts.set(key, value);
    if (told.has('pathway') && !this.readOptions()) return;
    this.answer('XSETCONTEXT', line, words.TOLD);
  }

  private xdumpcontext(line: string): void {
    const lines = [...this.facts].map(([key, value]) => `[connection] ${key} ${value.replaceAll('\n', ' ')}`);
    this.answer('XDUMPCONTEXT', line, { code: 250, status: '', text: [...lines, 'XDUMPCONTEXT complete'].join('\n') });
  }

  /** From now on the connection counts as that of `peer`. */
  private become(peer: Endpoint): void {
    const { ip } = this.peer;
    this.peer = peer;
    if (peer.ip !== ip) this.house.moved(this, ip);
  }

  private becomeLocal(told: ReadonlyMap<string, Told>): void {
    const ip = told.get('DESTADDR');
    const port = told.get('DESTPORT');
    if (ip || port) this.localEnd = { ip: ip ?? this.local.ip, port: port ? Number(port) : this.local.port };
  }

  private becomeUser(login: Told | undefined): void {
    this.user = login ?? undefined;
    if (this.user === undefined) return;
    this.facts.set('auth_user', this.user);
    this.facts.set('can_relay', 'true');
  }

  /** What the configuration has for who the client is now; false when he is sent away. */
  protected readOptions(): boolean {
    const options = this.house.reception.options(this);
    if (!options) this.leave(words.SERVICE_UNAVAILABLE, this.phase);
    else {
      this.adopt(options);
      if (!this.house.isCrowded(this)) return true;
      this.leave(words.CONCURRENCY, PHASE.concurrency);
    }
    return false;
  }

  private forgetForwarded(): void {
    if (!this.forwarded) return;
    for (const fact of this.forwarded) this.facts.delete(fact);
    this.forwarded = undefined;
  }
}
