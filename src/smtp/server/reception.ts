/** What the session engine asks and tells: the seam between the SMTP dialogue and the room that decides about mail. */
import type { InboundValues } from '../../config/snapshot.js';
import type { Address } from '../../mail/address.js';
import type { ByTime } from '../../mail/deliver-by.js';
import type { Later } from '../../module/hook.js';
import type { Body } from '../../module/message.js';
import type { Session } from '../../module/session.js';
import type { LargeBody } from '../../module/spool.js';
import type { Reply, Verdict } from '../../module/verdict.js';
import type { Done, Failed, Mechanism } from '../sasl/mechanism.js';

export type { Later };

/** ESMTP parameters of MAIL that were offered and well formed. */
export interface MailParams {
  /** RFC 1870 SIZE; 0 when it was not given. */
  readonly size: number;
  /** RFC 6152 BODY=8BITMIME. */
  readonly eightBitMime: boolean;
  /** RFC 3030 BODY=BINARYMIME: the body is octets, not lines. */
  readonly binaryMime?: true;
  /** RFC 6531 SMTPUTF8. */
  readonly smtpUtf8: boolean;
  /** RFC 8689 REQUIRETLS. */
  readonly requireTls?: true;
  /** RFC 3461 RET. */
  readonly returnContent: 'full' | 'headers' | undefined;
  /** RFC 3461 ENVID, decoded from xtext. */
  readonly envelopeId: string | undefined;
  /** RFC 4954 AUTH, decoded from xtext; `<>` when the client knows nobody. */
  readonly auth: string | undefined;
  /** RFC 4865 HOLDFOR: seconds until the message may leave. */
  readonly holdFor?: number;
  /** RFC 4865 HOLDUNTIL: wall time in milliseconds from which on it may leave. */
  readonly holdUntil?: number;
  /** RFC 2852 BY. */
  readonly by?: ByTime;
  /** RFC 6710 MT-PRIORITY, -9 to 9. */
  readonly mtPriority?: number;
}

/** ESMTP parameters of RCPT that were offered and well formed. */
export interface RcptParams {
  /** RFC 3461 NOTIFY bits (NOTIFY of module/message); 0 when not given. */
  readonly notify: number;
  /** RFC 3461 ORCPT as `type;address`, decoded from xtext. */
  readonly originalRecipient: string | undefined;
}

/** One recipient the client was told 250 for. */
export interface AcceptedRecipient {
  readonly address: Address;
  readonly params: RcptParams;
  /** The raw RCPT command line without its line end. */
  readonly line: string;
}

/** From an accepted MAIL to the answer of its message, RSET, EHLO or the end of the session. `Own` is the reception's own state. */
export interface Transaction<Own> {
  readonly sender: Address | null;
  readonly params: MailParams;
  /** The raw MAIL command line without its line end. */
  readonly line: string;
  /** Wall time of MAIL in milliseconds. */
  readonly startedAt: number;
  /** In the order of the RCPT commands; the same address may stand here twice (RFC 5321 leaves that to us). */
  readonly recipients: AcceptedRecipient[];
  /** What MAIL is answered with when it is accepted, where that is not the usual. */
  accepted?: Reply;
  /** Free for the reception; the engine never looks at it and drops it with the transaction. */
  own: Own | undefined;
}

/** The session as the reception sees it. */
export interface ServerSession<Own = unknown> extends Session {
  /** What the snapshot calls the listener stanza; `listener` is its listen socket: `snapshot.inbound({ listener: stanza, listen: listener, peerIp: peer.ip })`. */
  readonly stanza: string;
  /** The service speaks LMTP. */
  readonly lmtp: boolean;
  /** Whole line of the last HELO, EHLO or LHLO, for context variable ehlo_string. */
  readonly heloLine: string;
  /** Open from the moment `mailFrom` is called (so it may set `own`); undefined again after `reset`. */
  readonly transaction: Transaction<Own> | undefined;
  /** Messages accepted in this session so far. */
  readonly messages: number;
  /** Recipients accepted in this session so far. */
  readonly recipients: number;
  /** Wall time of the connection in milliseconds. */
  readonly connectedAt: number;
  /** What binds a login to the TLS connection, by name (RFC 5929, RFC 9266). */
  channelBindings?(): ReadonlyMap<string, Buffer>;
  /** Says 421 at the next moment between commands and closes (`disconnect` from outside a hook, console). */
  shutDown(reply?: Reply): void;
}

/** What the scan of the content found on the way. */
export interface ContentFacts {
  /** Header fields named Received. */
  readonly receivedFields: number;
  /** Octets of the longest line, without its line end. */
  readonly longestHeaderLine: number;
  readonly longestBodyLine: number;
  /** Octets above 0x7f in the header block. */
  readonly eightBitHeader: boolean;
  /** Lone CR or LF were turned into CRLF (`rfc2822_lone_lf_* = fix`). */
  readonly repaired: boolean;
  /** The content does not begin with a header field: all of it is body. */
  readonly headerMissing: boolean;
}

/** A message as it came in, canonical: dots removed, CRLF only. Every limit of the session has been kept. */
export interface ReceivedContent {
  /** The header block in the form Headers of src/mail reads and gives back. */
  readonly header: Buffer;
  readonly body: Body;
  readonly facts: ContentFacts;
  /** Octets of header block and body together. */
  readonly size: number;
}

/**
 * Implemented by the room that receives. Every question may be answered at once or by a promise; while a promise is
 * pending the session reads no further command. A promise that rejects is answered with 451 4.3.0 and told by `failed`.
 */
export interface Reception<Own = unknown> {
  /** Options in force for this client in the newest snapshot. Asked at the connection and at every MAIL; undefined when the client is no longer admitted (421). */
  options(session: ServerSession<Own>): InboundValues | undefined;
  /** The pathway the options come through, with its group. Asked after `options`, when there is one. */
  pathwayOf?(session: ServerSession<Own>): { readonly pathway: string; readonly group: string | undefined } | undefined;
  /** The connection was accepted; nothing has been sent. Comes before any limit of the listener has been counted. */
  accept(session: ServerSession<Own>): Later<Verdict>;
  /** Before the banner. */
  connect(session: ServerSession<Own>): Later<Verdict>;
  /** `name` is syntactically valid; `session.helo` is set already. */
  ehlo(session: ServerSession<Own>, verb: HelloVerb, name: string): Later<Verdict>;
  /** Names of the mechanisms that are configured, the strongest first. Asked once for all clients with these options. */
  mechanisms?(options: InboundValues): readonly string[];
  /** A fresh attempt by a mechanism that was offered. */
  beginAuth?(session: ServerSession<Own>, mechanism: string): Mechanism | undefined;
  /** An attempt ended; whatever it came to, no refusal means that the client is `ended.user` from now on. */
  endAuth?(session: ServerSession<Own>, mechanism: string, ended: Done | Failed): Later<Verdict>;
  /** The transaction is open. A refusal closes it (`reset` is called). */
  mailFrom(session: ServerSession<Own>, sender: Address | null, params: MailParams, line: string): Later<Verdict>;
  /** Decides about relaying too. On a verdict that is no refusal the recipient is appended to the transaction. */
  rcptTo(session: ServerSession<Own>, recipient: Address, params: RcptParams, line: string): Later<Verdict>;
  /** Before 354, or before the first BDAT is taken. */
  recipients(session: ServerSession<Own>): Later<Verdict>;
  /** Asked once a message, when its body passes `large_message_threshold`. Without it bodies stay in memory. */
  largeBody?(session: ServerSession<Own>): Promise<LargeBody>;
  /**
   * The whole message is here. Answers when 250 may be said: one reply, or with LMTP one for each recipient of the
   * transaction in order (one reply stands for all). 421 as code also closes the session. The transaction ends right
   * after (`reset` is not called for it).
   */
  message(session: ServerSession<Own>, content: ReceivedContent): Later<Reply | readonly Reply[]>;
  /** The transaction ended without a message: RSET, EHLO, STARTTLS, a refused MAIL or message, the end of the session. Called while it still stands. */
  reset(session: ServerSession<Own>): void;
  /** Told: a command was answered. `verb` is in capitals, or empty when it was none. Not called for the content of DATA and BDAT chunks that are not LAST. */
  command(session: ServerSession<Own>, verb: string, line: string, reply: Reply): void;
  /** Told: the engine itself refused (syntax, sequence, limits). Refusals that came from the reception are not told back. */
  refused(session: ServerSession<Own>, phase: number, reply: Reply): void;
  /** Told: something the operator may want to count or see (`starttls_injection`, `early_talker`, …). */
  event(session: ServerSession<Own>, event: SessionEvent, detail: string): void;
  /** Told: a question to the reception threw or rejected. */
  failed(session: ServerSession<Own>, error: unknown): void;
  /** Told: the connection is gone; the last call for this session. */
  closed(session: ServerSession<Own>): void;
}

export type HelloVerb = 'HELO' | 'EHLO' | 'LHLO';

export type SessionEvent =
  /** Plaintext behind STARTTLS in the same packet; it was not used. */
  | 'starttls_injection'
  /** The client spoke before the banner while a delay was on. */
  | 'early_talker'
  /** HTTP or a TLS ClientHello on a plain port. */
  | 'foreign_protocol'
  /** A proxy that had to announce its client did not, or not well. */
  | 'bad_proxy_header'
  /** The TLS handshake failed; detail says why. */
  | 'tls_failed'
  /** A deadline of the session passed; detail names it. */
  | 'timed_out'
  /** Too many errors or idle commands. */
  | 'abusive'
  /** More input than the session may hold back. */
  | 'overrun';
