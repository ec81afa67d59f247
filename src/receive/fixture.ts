/** For the tests of this room: reception over a spool in memory, a queue that only remembers, and a client that says what a test wants. */
import { configureText } from '../config/configure.js';
import type { Snapshot } from '../config/snapshot.js';
import type { VirtualClock } from '../kernel/virtual-clock.js';
import { Address } from '../mail/address.js';
import { bodyOf, type Copy } from '../module/copy.js';
import { makeSession, planOf, rehearse } from '../module/fixture.js';
import type { Chains } from '../module/hook-set.js';
import type { Context } from '../module/manifest.js';
import { PlaceTable } from '../module/place.js';
import type { Registry } from '../module/registry.js';
import type { Session } from '../module/session.js';
import { isRefusal, type Reply, type Verdict } from '../module/verdict.js';
import type { MailParams, RcptParams, ReceivedContent, ServerSession, Transaction } from '../smtp/server/reception.js';
import { MemorySpool } from '../spool/memory-spool.js';
import type { ReceivePorts, Rules } from './ports.js';
import { type Pending, Receiver } from './receiver.js';
import { Transit } from './transit.js';

/** What happened, in order: "written 2", "queued ID", … */
export type Diary = string[];

class DiarySpool extends MemorySpool {
  readonly #diary: Diary;
  fails: Error | undefined;

  constructor(diary: Diary) {
    super();
    this.#diary = diary;
  }

  override async write(copies: readonly Copy[]): Promise<void> {
    await new Promise((done) => setImmediate(done));
    if (this.fails) throw this.fails;
    await super.write(copies);
    this.#diary.push(`written ${copies.length}`);
  }
}

/** Text to an address: the last @ parts it. */
export function addressOf(text: string): Address {
  const at = text.lastIndexOf('@');
  return at < 0 ? new Address(text, '') : new Address(text.slice(0, at), text.slice(at + 1));
}

const longestLine = (text: string): number => Math.max(...text.split('\r\n').map((line) => Buffer.byteLength(line)));

const contentOf = (header: string, body: string): ReceivedContent => {
  const whole = bodyOf([Buffer.from(body)]);
  const block = Buffer.from(header);
  return {
    header: block,
    body: whole,
    facts: {
      receivedFields: 0,
      longestHeaderLine: longestLine(header),
      longestBodyLine: longestLine(body),
      eightBitHeader: false,
      repaired: false,
      headerMissing: header === '',
    },
    size: block.length + whole.size,
  };
};

export const SUBJECT = 'Date: now\r\nMessage-ID: <x@y>\r\nSubject: s\r\n\r\n';

/** A client in a session: each call is one command, each answer what the engine would have been told. */
export class FakeClient {
  readonly session: ServerSession<Pending> & { phase: number };
  readonly farewells: (Reply | undefined)[] = [];
  readonly #receiver: Receiver;
  #transaction: Transaction<Pending> | undefined;

  constructor(receiver: Receiver, snapshot: Snapshot, more: Partial<Session> = {}) {
    this.#receiver = receiver;
    const base = makeSession({ listener: '127.0.0.1:25', ...more });
    const client = this;
    this.session = {
      ...base,
      options: snapshot.inbound({ listener: 'esmtp_listener', listen: base.listener, peerIp: base.peer.ip }) ?? base.options,
      stanza: 'esmtp_listener',
      lmtp: base.protocol === 'lmtp',
      heloLine: 'EHLO client.test',
      get transaction() {
        return client.#transaction;
      },
      messages: 0,
      recipients: 0,
      connectedAt: 0,
      shutDown: (reply) => void this.farewells.push(reply),
    };
  }

  async mail(sender: string | null, more: Partial<MailParams> = {}): Promise<Verdict> {
    const params: MailParams = {
      size: 0,
      eightBitMime: false,
      smtpUtf8: false,
      returnContent: undefined,
      envelopeId: undefined,
      auth: undefined,
      ...more,
    };
    const address = sender === null ? null : addressOf(sender);
    const line = `MAIL FROM:<${sender ?? ''}>`;
    this.#transaction = { sender: address, params, line, startedAt: 0, recipients: [], own: undefined };
    const verdict = await this.#receiver.mailFrom(this.session, address, params, line);
    if (isRefusal(verdict)) this.reset();
    return verdict;
  }

  async rcpt(recipient: string, more: Partial<RcptParams> = {}): Promise<Verdict> {
    const params: RcptParams = { notify: 0, originalRecipient: undefined, ...more };
    const address = addressOf(recipient);
    const line = `RCPT TO:<${recipient}>`;
    const verdict = await this.#receiver.rcptTo(this.session, address, params, line);
    if (!isRefusal(verdict)) this.#transaction?.recipients.push({ address, params, line });
    return verdict;
  }

  async data(header = SUBJECT, body = 'hello\r\n'): Promise<Verdict | string> {
    const verdict = await this.#receiver.recipients(this.session);
    if (isRefusal(verdict)) return verdict;
    const said = await this.#receiver.message(this.session, contentOf(header, body));
    this.#transaction = undefined;
    return ('code' in said ? [said] : said).map(({ code, status, text }) => `${code} ${status} ${text}`).join(' | ');
  }

  /** A whole message to the given recipients; its answer on one line. */
  async send(...recipients: string[]): Promise<Verdict | string> {
    await this.mail('a@b.test');
    for (const recipient of recipients) await this.rcpt(recipient);
    return this.data();
  }

  reset(): void {
    this.#receiver.reset();
    this.#transaction = undefined;
  }
}

/** A reception at work. */
export interface ReceptionDesk {
  readonly clock: VirtualClock;
  readonly ports: ReceivePorts;
  readonly rules: Rules;
  readonly registry: Registry;
  readonly snapshot: Snapshot;
  readonly receiver: Receiver;
  readonly transit: Transit;
  readonly spool: DiarySpool;
  readonly queued: Copy[];
  readonly diary: Diary;
  /** phase code module text */
  readonly rejections: string[];
  readonly refusedCopies: string[];
  readonly logs: string[];
  client(more?: Partial<Session>): FakeClient;
}

export interface Staging {
  readonly config?: string;
  /** Options inside the listener's stanza. */
  readonly listener?: string;
  /** Handlers by module name, in file order. */
  readonly modules?: Readonly<Record<string, (ctx: Context) => void>>;
  readonly ports?: Partial<ReceivePorts>;
}

/** Opens a reception over a real configuration; `makeRules` is the composition's. */
export async function openReception(
  makeRules: (snapshot: Snapshot, chains: Chains) => Rules,
  staging: Staging = {},
): Promise<ReceptionDesk> {
  const { config = 'relay_hosts = ( 192.0.2.0/24 )', listener = '', modules = {} } = staging;
  const configured = await configureText(`${config}\nesmtp_listener {\n  ${listener}\n  listen "127.0.0.1:25" { }\n}\n`, {
    unread: new Set(),
  });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { snapshot } = configured;
  const diary: Diary = [];
  const rejections: string[] = [];
  const { registry, clock } = rehearse();
  const listening = planOf({
    name: 'listening',
    register: (ctx) => {
      ctx.on('received', (mail, session) => void diary.push(`received ${mail.id} ${session?.id ?? 'from us'}`));
      ctx.on(
        'rejected',
        ({ phase, reply, module, draft }) =>
          void rejections.push(`${phase} ${reply.code} ${module} ${reply.text}${draft ? ` (${draft.recipients.join(' ')})` : ''}`),
      );
    },
  });
  const others = Object.entries(modules).map(([name, register]) => planOf({ name, register }));
  registry.commit(await registry.prepare([...others, listening]));
  const rules = makeRules(snapshot, registry.current.hooks.chains);
  const spool = new DiarySpool(diary);
  const queued: Copy[] = [];
  const refusedCopies: string[] = [];
  const logs: string[] = [];
  let ids = 0;
  const ports: ReceivePorts = {
    clock,
    spool,
    queue: {
      insert: (copy) => {
        queued.push(copy);
        diary.push(`queued ${copy.id}`);
      },
    },
    places: new PlaceTable(),
    rules: () => rules,
    nextId: () => `ID/${++ids}`,
    random: () => 0,
    refusing: () => undefined,
    refusedCopy: (copy, reply) => void refusedCopies.push(`${copy.recipient} ${reply.code} ${reply.text}`),
    host: { name: 'mx.test', product: 'Celeris 0' },
    log: (level, text, cause) => void logs.push(`${level} ${text}${cause instanceof Error ? `: ${cause.message}` : ''}`),
    ...staging.ports,
  };
  const transit = new Transit(ports);
  const receiver = new Receiver(ports, transit);
  const client = (more?: Partial<Session>): FakeClient => new FakeClient(receiver, snapshot, more);
  return { clock, ports, rules, registry, snapshot, receiver, transit, spool, queued, diary, rejections, refusedCopies, logs, client };
}
