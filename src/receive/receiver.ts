/** Decides about mail that comes over SMTP: asks the hooks, takes a message to the spool, and says 250 when the disk has it. */
import type { InboundValues } from '../config/snapshot.js';
import type { Address } from '../mail/address.js';
import { formatDeliverBy } from '../mail/deliver-by.js';
import type { Reply } from '../mail/reply.js';
import type { Copy } from '../module/copy.js';
import type { LargeBody } from '../module/spool.js';
import { FAIL_CLOSED, isRefusal, type Refusal, type Verdict } from '../module/verdict.js';
import type { Done, Failed, Mechanism } from '../smtp/sasl/mechanism.js';
import type {
  AcceptedRecipient,
  HelloVerb,
  Later,
  MailParams,
  RcptParams,
  ReceivedContent,
  Reception,
  ServerSession,
  SessionEvent,
} from '../smtp/server/reception.js';
import { answerAll, answerEach } from './answers.js';
import type { Logins } from './auth.js';
import { markLogin } from './auth-results.js';
import { completeHeaders } from './complete.js';
import { deliverCopies } from './doorstep.js';
import { grantPriority } from './grant-priority.js';
import { keepCopies } from './keep.js';
import { mendingLimit, mendLines, needsMending } from './mend.js';
import { lookAtMime } from './mime-look.js';
import { openDraft } from './open-draft.js';
import type { ReceivePorts, Rules } from './ports.js';
import { findRelayReason } from './relay.js';
import {
  BLACKHOLED,
  DISCARDED,
  HELD_TOO_LONG,
  LINES_PAST_MENDING,
  LITERAL_REFUSED,
  LOCAL_ERROR,
  NO_RESOURCES,
  NO_ROOM,
  NULL_SENDER_REFUSED,
  priorityChanged,
  queuedAs,
  RELAY_DENIED,
  THROTTLED,
  TIME_TOO_SHORT,
} from './replies.js';
import { Throttles } from './throttle.js';
import { endOf, type Passage, type Recipient, type Transit } from './transit.js';
import { unbinary } from './unbinary.js';

/** What reception keeps of an open transaction. */
export interface Pending {
  readonly draft: Copy;
  readonly rules: Rules;
  /** A hook dropped the message: 250 is said and nothing is kept. */
  discarded: Discard | undefined;
  /** Recipients a hook dropped. */
  readonly dropped: Set<string>;
}

type Client = ServerSession<Pending>;
type Discard = Extract<Passage, { kind: 'discarded' }>;

/** Number of the reception state "relaying denied". */
const RELAYING_DENIED = 13;

const isLater = <T>(x: T | Promise<T>): x is Promise<T> => x instanceof Promise;

export class Receiver implements Reception<Pending> {
  readonly #ports: ReceivePorts;
  readonly #transit: Transit;
  readonly #throttles: Throttles;
  readonly #logins: Logins | undefined;
  /** Sessions whose every mail is taken and thrown away, since a hook said discard before there was one. */
  #sinks: WeakMap<Client, Discard> | undefined;

  /** Without `logins` nobody can authenticate. */
  constructor(ports: ReceivePorts, transit: Transit, logins?: Logins) {
    this.#ports = ports;
    this.#logins = logins;
    this.#transit = transit;
    this.#throttles = new Throttles(ports.clock, ports.jointRate);
  }

  options(session: Client): InboundValues | undefined {
    return this.#ports.rules().inbound(session);
  }

  pathwayOf(session: Client): { readonly pathway: string; readonly group: string | undefined } | undefined {
    return this.#ports.rules().pathwayOf(session);
  }

  accept(session: Client): Later<Verdict> {
    // A proxy's session may begin again for another client.
    this.#sinks?.delete(session);
    if (this.#ports.refusing() !== undefined) return this.#refuse(session, { do: 'disconnect', reply: NO_RESOURCES });
    for (const [key, value] of Object.entries(session.options.context ?? {})) session.facts.set(key, value);
    return this.#ask(session, this.#ports.rules().chains.accept.run(session));
  }

  connect(session: Client): Later<Verdict> {
    return this.#ask(session, this.#ports.rules().chains.connect.run(session));
  }

  ehlo(session: Client, _verb: HelloVerb, name: string): Later<Verdict> {
    const { chains } = this.#ports.rules();
    if (chains.ehlo.empty) return undefined;
    return this.#ask(session, chains.ehlo.run(session, name));
  }

  mechanisms(options: InboundValues): readonly string[] {
    return this.#logins?.mechanisms(options) ?? [];
  }

  beginAuth(session: Client, mechanism: string): Mechanism | undefined {
    return this.#logins?.begin(session, mechanism);
  }

  endAuth(session: Client, mechanism: string, ended: Done | Failed): Later<Verdict> {
    if (!this.#logins) return FAIL_CLOSED;
    return this.#ask(session, this.#logins.end(session, mechanism, ended));
  }

  mailFrom(session: Client, sender: Address | null, params: MailParams, line: string): Later<Verdict> {
    const { options } = session;
    if (this.#ports.spool.refusing !== undefined || this.#ports.refusing() !== undefined)
      return this.#refuse(session, { do: 'tempfail', reply: NO_ROOM });
    if (sender === null && !options.allow_null_envelope_sender) return this.#refuse(session, { do: 'reject', reply: NULL_SENDER_REFUSED });
    const isAdmitted = this.#throttles.admits(options.inbound_throttle_messages, () => this.#ports.rules().throttleScope(session));
    if (isAdmitted instanceof Promise) return isAdmitted.then((yes) => this.#beginMail(session, sender, params, line, yes));
    return this.#beginMail(session, sender, params, line, isAdmitted);
  }

  #beginMail(session: Client, sender: Address | null, params: MailParams, line: string, isAdmitted: boolean): Later<Verdict> {
    if (!isAdmitted) return this.#refuse(session, { do: 'tempfail', reply: THROTTLED });
    const { options, transaction } = session;
    if (!transaction) return { do: 'tempfail', reply: LOCAL_ERROR };
    const rules = this.#ports.rules();
    const draft = openDraft(this.#ports, session, sender, params);
    draft.line = line;
    const { by, holdFor, holdUntil, mtPriority } = params;
    if (by) {
      if (by.mode === 'R' && by.seconds < options.deliverby_minimum) return this.#refuse(session, { do: 'reject', reply: TIME_TOO_SHORT });
      draft.facts.set('deliver_by', formatDeliverBy({ ...by, at: this.#ports.clock.now() + by.seconds * 1000 }));
    }
    if (holdFor !== undefined || holdUntil !== undefined) {
      const now = this.#ports.clock.now();
      const releaseAt = holdUntil ?? now + (holdFor ?? 0) * 1000;
      if (releaseAt - now > options.max_future_release * 1000) return this.#refuse(session, { do: 'reject', reply: HELD_TOO_LONG });
      // What has to come back earlier is looked at when its time is over.
      if (releaseAt > now) draft.nextAttempt = by?.mode === 'R' ? Math.min(releaseAt, now + by.seconds * 1000) : releaseAt;
    }
    if (mtPriority !== undefined) grantPriority(draft, mtPriority, this.#isKnown(session));
    transaction.own = { draft, rules, discarded: undefined, dropped: new Set() };
    const asks = !rules.chains.mail_from.empty && !this.#sinks?.has(session);
    const said = asks ? this.#ask(session, rules.chains.mail_from.run(session, sender, draft)) : undefined;
    if (mtPriority === undefined) return said;
    // A hook may have changed it once more.
    const tell = (verdict: Verdict): Verdict => {
      if (draft.priority !== mtPriority) transaction.accepted = priorityChanged(draft.priority);
      return verdict;
    };
    return isLater(said) ? said.then(tell) : tell(said);
  }

  rcptTo(session: Client, recipient: Address, _params: RcptParams, line: string): Later<Verdict> {
    const pending = session.transaction?.own;
    if (!pending) return { do: 'tempfail', reply: LOCAL_ERROR };
    if (this.#sinks?.has(session)) return undefined;
    const { rules, draft } = pending;
    if (!session.options.allow_ip_literal && recipient.domain.startsWith('[')) {
      return this.#refuse(session, { do: 'reject', reply: LITERAL_REFUSED }, undefined, recipient);
    }
    const reason = findRelayReason(session.options, {
      ip: session.peer.ip,
      senderDomain: draft.sender?.domain,
      recipientDomain: recipient.domain,
      allowedByContext: session.facts.get('can_relay') === 'true',
    });
    if (reason === undefined) {
      if (rules.chains.relay.empty) return this.#refuse(session, { do: 'reject', reply: RELAY_DENIED }, RELAYING_DENIED, recipient);
      return this.#askRelay(session, recipient, pending, line);
    }
    return this.#askRecipient(session, recipient, pending, line);
  }

  recipients(session: Client): Later<Verdict> {
    const pending = session.transaction?.own;
    if (!pending || pending.rules.chains.recipients.empty || this.#sinks?.has(session)) return undefined;
    pending.draft.recipients = session.transaction?.recipients.map(({ address }) => address) ?? [];
    return this.#ask(session, pending.rules.chains.recipients.run(session, pending.draft));
  }

  largeBody(): Promise<LargeBody> {
    return this.#ports.spool.openLarge();
  }

  message(session: Client, content: ReceivedContent): Later<Reply | readonly Reply[]> {
    const { transaction } = session;
    const pending = transaction?.own;
    if (!transaction || !pending) return LOCAL_ERROR;
    const sunk = this.#sinks?.get(session);
    if (sunk) {
      pending.draft.content = content.body;
      return this.#end(session, pending.draft, sunk);
    }
    return this.#take(session, pending, content, transaction.recipients);
  }

  reset(): void {
    // The draft belongs to the transaction and goes with it; nothing else was opened.
  }

  command(session: Client, verb: string, line: string, reply: Reply): void {
    const { command } = this.#ports.rules().chains;
    if (!command.empty) command.run(session, verb, line, reply);
  }

  refused(session: Client, phase: number, reply: Reply): void {
    this.#tellRefusal(session, phase, '', reply, undefined);
  }

  event(session: Client, event: SessionEvent, detail: string): void {
    if (event === 'early_talker') session.facts.set('early_talker', 'yes');
    this.#ports.log('warning', `${event} from ${session.peer.ip === '' ? 'a unix socket' : session.peer.ip}: ${detail}`);
  }

  failed(session: Client, error: unknown): void {
    this.#ports.log('error', `reception from ${session.peer.ip} failed`, error);
  }

  closed(session: Client): void {
    const { disconnected } = this.#ports.rules().chains;
    if (!disconnected.empty) disconnected.run(session);
  }

  #isKnown({ user, facts, options, peer }: Client): boolean {
    if (user !== undefined || facts.get('can_relay') === 'true') return true;
    return options.relay_hosts?.has(peer.ip === '' ? '127.0.0.1' : peer.ip) === true;
  }

  async #askRelay(session: Client, recipient: Address, pending: Pending, line: string): Promise<Verdict> {
    const allowed = await pending.rules.chains.relay.run(session, recipient);
    if (allowed !== true) return this.#refuse(session, { do: 'reject', reply: RELAY_DENIED }, RELAYING_DENIED, recipient);
    return this.#askRecipient(session, recipient, pending, line);
  }

  #askRecipient(session: Client, recipient: Address, pending: Pending, line: string): Later<Verdict> {
    const { rules, draft } = pending;
    const { blackhole } = rules.outbound(recipient.domain);
    if (blackhole === 'true' || blackhole === 'inline')
      return this.#refuse(session, { do: 'reject', reply: BLACKHOLED }, undefined, recipient);
    if (rules.chains.rcpt_to.empty) return undefined;
    draft.line = line;
    const said = rules.chains.rcpt_to.run(session, recipient, draft);
    const settle = (verdict: Verdict): Verdict => {
      if (verdict && verdict.do === 'discard') {
        pending.dropped.add(String(recipient));
        return undefined;
      }
      return isRefusal(verdict) ? this.#refuse(session, verdict, undefined, recipient) : verdict;
    };
    return isLater(said) ? said.then(settle) : settle(said);
  }

  /** From the last byte to the reply. */
  async #take(
    session: Client,
    pending: Pending,
    content: ReceivedContent,
    asked: readonly AcceptedRecipient[],
  ): Promise<Reply | readonly Reply[]> {
    const ports = this.#ports;
    const { draft, rules } = pending;
    const { chains } = rules;
    const completed = completeHeaders(session, draft, content, ports.host);
    if ('refused' in completed) {
      ports.spool.forget(content.body);
      this.#tellRefusal(session, session.phase, '', completed.refused, draft);
      return completed.refused;
    }
    const host = session.options.received_hostname ?? ports.host.name;
    draft.headers = markLogin(completed.headers, host, [host, ports.host.name], session.user);
    draft.content = content.body;
    const isBinary = session.transaction?.params.binaryMime === true;
    if (isBinary) {
      const lines = await unbinary(draft, session.options, ports.spool);
      if ('code' in lines) return this.#end(session, draft, { kind: 'refused', reply: lines, by: '', disconnect: false });
      draft.headers = lines.headers;
      draft.content = lines.content;
    }
    if (completed.contentType !== undefined) await this.#lookAtMime(session, draft, completed.contentType);
    const limit = mendingLimit(session.options);
    // Its body has short lines by now.
    const facts = isBinary ? { ...content.facts, longestBodyLine: 0 } : content.facts;
    if (limit !== undefined && needsMending(facts, limit)) {
      const mended = await mendLines({ headers: draft.headers, content: draft.content }, facts, limit, ports.spool);
      if (!mended) return this.#end(session, draft, { kind: 'refused', reply: LINES_PAST_MENDING, by: '', disconnect: false });
      draft.headers = mended.headers;
      draft.content = mended.content;
    }
    const recipients: Recipient[] = [];
    for (const [origin, { address, params }] of asked.entries()) {
      if (pending.dropped.has(String(address))) continue;
      recipients.push({ origin, address, notify: params.notify, originalRecipient: params.originalRecipient });
    }
    draft.recipients = recipients.map(({ address }) => address);
    if (!chains.data.empty) {
      const ended = endOf(await chains.data.run(session, draft));
      if (ended) return this.#end(session, draft, ended);
    }
    if (pending.discarded || recipients.length === 0) {
      return this.#end(session, draft, pending.discarded ?? { kind: 'discarded', by: '', reason: 'no recipients left' });
    }
    let passage = await this.#transit.pass(draft, recipients, rules);
    if (passage.kind === 'copies') {
      try {
        await keepCopies(ports.spool, passage.copies);
      } catch (error) {
        ports.log('error', 'the spool could not take a message', error);
        this.#tellRefusal(session, session.phase, '', NO_ROOM, draft);
        return NO_ROOM;
      }
      if (passage.doorstep) passage = await deliverCopies(ports, passage, passage.doorstep, draft, session);
    }
    if (passage.kind !== 'copies') {
      const said = this.#end(session, draft, passage);
      return session.lmtp && passage.kind === 'refused' && passage.each ? answerEach(asked.length, said, draft.id, passage.each) : said;
    }
    // A hook may have put another body in its place.
    if (content.body !== draft.content) ports.spool.forget(content.body);
    for (const copy of passage.copies) {
      ports.queue.insert(copy);
      chains.received.run(copy, session);
    }
    for (const { copy, origin, reply, by } of passage.refused) {
      this.#tellRefusal(session, session.phase, by, reply, copy);
      // With LMTP the client hears it, unless another copy of the same recipient went through.
      if (session.lmtp && !passage.origins.includes(origin)) continue;
      if (session.options.generate_bounces_for_multi_recipient_policy_rejections) ports.refusedCopy(copy, reply);
    }
    const said = answerAll(passage, draft.id);
    return session.lmtp && (passage.delivered || passage.refused.length > 0)
      ? answerEach(asked.length, said, draft.id, passage.refused, passage)
      : said;
  }

  #lookAtMime(session: Client, draft: Copy, contentType: string): void | Promise<void> {
    const looksIntoFiles = session.options.mime_parse_large_messages_during_reception;
    const found = lookAtMime(contentType, draft.content, looksIntoFiles, this.#ports.clock);
    const note = (anomalies: string): void => {
      if (anomalies !== '') draft.facts.set('mime_anomaly', anomalies);
    };
    return isLater(found) ? found.then(note) : note(found);
  }

  /** The message goes no further: tell it and answer. */
  #end(session: Client, draft: Copy, ended: Exclude<Passage, { kind: 'copies' }>): Reply {
    this.#ports.spool.forget(draft.content);
    if (ended.kind === 'discarded') {
      this.#tellRefusal(session, session.phase, ended.by, DISCARDED, draft);
      return queuedAs(draft.id);
    }
    this.#tellRefusal(session, session.phase, ended.by, ended.reply, draft);
    if (ended.disconnect) session.shutDown();
    return ended.reply;
  }

  #ask(session: Client, said: Later<Verdict>): Later<Verdict> {
    return isLater(said) ? said.then((verdict) => this.#settle(session, verdict)) : this.#settle(session, said);
  }

  /** Tells a refusal, notes a discard, and hands the verdict on. */
  #settle(session: Client, verdict: Verdict): Verdict {
    if (!verdict) return undefined;
    if (verdict.do === 'discard') {
      const discard: Discard = { kind: 'discarded', by: verdict.by ?? '', reason: verdict.reason };
      const pending = session.transaction?.own;
      if (pending) pending.discarded = discard;
      else (this.#sinks ??= new WeakMap()).set(session, discard);
      return undefined;
    }
    return isRefusal(verdict) ? this.#refuse(session, verdict) : verdict;
  }

  #refuse(session: Client, verdict: Refusal, phase = session.phase, recipient?: Address): Verdict {
    this.#tellRefusal(session, phase, verdict.by ?? '', verdict.reply, session.transaction?.own?.draft, recipient);
    return verdict;
  }

  #tellRefusal(session: Client, phase: number, module: string, reply: Reply, draft: Copy | undefined, recipient?: Address): void {
    const { rejected } = this.#ports.rules().chains;
    if (rejected.empty) return;
    rejected.run({ session, phase, module, reply, ...(draft && { draft }), ...(recipient && { recipient }), at: this.#ports.clock.now() });
  }
}
