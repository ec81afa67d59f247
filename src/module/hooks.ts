/** The hook catalogue: values, so it can be listed, documented, mapped to scripts and extended by modules; the types follow from it. */
import type { Address } from '../mail/address.js';
import type { Reply } from '../mail/reply.js';
import type { Attempt, Delivery } from './attempt.js';
import { ask, type Callout, first, fold, type Hook, tell } from './hook.js';
import type { Login, NoLogin } from './login.js';
import type { Draft, Mail } from './message.js';
import type { HostAddresses } from './names.js';
import type { Place } from './place.js';
import type { Bounce, ConnectFailure, LogRecord, Rejection } from './reports.js';
import type { RankedHop } from './resolver.js';
import type { Session } from './session.js';

/** Retry schedule of one message. */
export interface Schedule {
  readonly expirationSeconds: number;
  readonly intervalSeconds: number;
  readonly retries: number | 'auto' | 'none';
}

/** A notice about a failed mail before it is built; a handler may change its words or stop it. */
export interface Notice {
  readonly send: boolean;
  readonly to: Address;
  readonly from: string;
  readonly subject: string;
  /** The human-readable part. */
  readonly text: string;
}

/** Where a new message is queued. */
export interface Assignment {
  readonly group?: string;
  readonly binding?: string;
}

const on = (doc: string, name?: string, ...args: string[]): { doc: string; callout?: Callout } =>
  name === undefined ? { doc } : { doc, callout: { name, args } };

export const hooks = {
  accept: ask<[Session]>('accept', 1, on('A connection was accepted; nothing has been sent.', 'core_validate_accept', 'ac', 'vctx')),
  connect: ask<[Session]>('connect', 1, on('Before the banner.', 'validate_connect', 'ac', 'vctx')),
  ehlo: ask<[Session, name: string]>('ehlo', 2, on('HELO, EHLO or LHLO.', 'validate_ehlo', 'str', 'ac', 'vctx')),
  auth: ask<[Session, user: string, result: 'ok' | 'no' | 'error']>(
    'auth',
    3,
    on('An AUTH attempt was checked; a refusal wins over its success.', 'core_validate_auth', 'vctx', 'auth_info', 'status'),
  ),
  command: tell<[Session, verb: string, line: string, reply: Reply]>(
    'command',
    4,
    on('A command was answered.', 'core_post_smtp_command', 'ac', 'vctx'),
  ),
  mail_from: ask<[Session, Address | null, Draft]>('mail_from', 3, on('MAIL FROM.', 'validate_mailfrom', 'str', 'ac', 'vctx')),
  rcpt_to: ask<[Session, Address, Draft]>('rcpt_to', 3, on('RCPT TO.', 'validate_rcptto', 'msg', 'str', 'ac', 'vctx')),
  relay: first<[Session, Address], boolean>(
    'relay',
    2,
    on('May this client send to this domain? Asked when the configuration says no.', 'core_pre_ec_can_relay_to', 'domain', 'rv', 'cont'),
  ),
  recipients: ask<[Session, Draft]>('recipients', 2, on('All recipients are known.', 'validate_rcptto_list', 'list', 'vctx')),
  data: ask<[Session, Draft]>('data', 2, on('The body was read.', 'validate_data', 'msg', 'ac', 'vctx')),
  spool_message: ask<[Draft]>(
    'spool_message',
    1,
    on('Once per message, before the copies are made.', 'validate_data_spool', 'msg', 'ac', 'vctx'),
  ),
  expand: first<[Address, Draft], readonly Address[]>(
    'expand',
    2,
    on('Replace a recipient by others; asked again for each of them. An empty list drops it.'),
  ),
  spool: ask<[Draft]>('spool', 1, {
    ...on('Once per recipient copy; may deliver it in place of the spool.', 'validate_data_spool_each_rcpt', 'msg', 'ac', 'vctx'),
    delivers: true,
  }),
  assign: first<[Draft], Assignment>('assign', 1, on('Choose binding or binding group.', 'validate_set_binding', 'msg')),
  final: ask<[Draft, Place]>('final', 2, on('May still refuse, on every way in.', 'core_final_validation2', 'msg', 'ac', 'vctx')),
  sign: ask<[Draft, Place]>(
    'sign',
    2,
    on('Put signatures on; nothing changes the message afterwards.', 'core_final_validation', 'msg', 'ac', 'vctx'),
  ),
  received: tell<[Mail, Session | null]>(
    'received',
    2,
    on('A copy is durable and was acknowledged.', 'core_log_reception_v1', 'ac', 'msg', 'now', 'note'),
  ),
  rejected: tell<[Rejection]>(
    'rejected',
    1,
    on('A client was refused.', 'core_log_rejection', 'now', 'ac', 'vctx', 'phase', 'format', 'args'),
  ),
  expiration: first<[Mail], Schedule>(
    'expiration',
    1,
    on('Retry schedule of one message.', 'core_get_msg_expiration_params', 'msg', 'expiration', 'interval', 'max_retries'),
  ),
  next_attempt: first<[Mail, now: number], number>(
    'next_attempt',
    2,
    on('When to try again, wall milliseconds.', 'core_ec_message_set_next_attempt', 'msg', 'now', 'rv'),
  ),
  routes: first<[Place], readonly RankedHop[]>(
    'routes',
    1,
    on('Next hops of a routing domain in place of DNS; options routes and gateway go before.', 'core_config_fetch_domain_routes', 'domain'),
  ),
  addresses: first<[host: string, v6: boolean], HostAddresses>(
    'addresses',
    2,
    on('Addresses of a mail host in place of DNS; they are judged like those of DNS.', 'core_dns_get_As', 'name'),
  ),
  veto: first<[Place, hop: RankedHop], string>(
    'veto',
    2,
    on('Answer a reply to keep a connection from being made.', 'core_veto_host_connection', 'host', 'dr', 'bs', 'max', 'cur'),
  ),
  sources: first<[Place], readonly string[]>(
    'sources',
    1,
    on('Source addresses of a place beside bind_address: a hop is reached from the first one of its family. Must answer at once.'),
  ),
  outbound_auth: first<[Mail], Login | NoLogin>(
    'outbound_auth',
    1,
    on('Who the next hop is told that we are, when this mail is sent; nobody when nothing answers.', 'outbound_smtp_auth_config', 'msg'),
  ),
  outcome: fold<Delivery, [Mail]>('outcome', 2, on('Rewrite a reply or outcome before classification, retry and logs.')),
  classify: first<[reply: string, domain: string], number>(
    'classify',
    2,
    on('Bounce class of a reply.', 'core_smtp_error_classify', 'response', 'domain'),
  ),
  classify_notice: first<[text: string], number>('classify_notice', 1, on('Bounce class of the text of a notice that came in.')),
  bounced: tell<[Bounce]>('bounced', 1, on('A failure for good, here (after `failed`) or told by a notice that came in.')),
  attempted: tell<[Attempt]>('attempted', 1, on('An attempt ended.', 'core_log_attempt_v1', 'msg', 'dr', 'now', 'note', 'note_len')),
  delivered: tell<[Attempt]>('delivered', 1, on('Delivered.', 'core_log_delivery_v1', 'msg', 'dr', 'now', 'note', 'note_len')),
  deferred: tell<[Attempt]>(
    'deferred',
    1,
    on('Not yet; it will be tried again.', 'core_log_transient_failure_v1', 'msg', 'dr', 'now', 'note', 'note_len'),
  ),
  failed: tell<[Attempt]>(
    'failed',
    1,
    on('Failed for good; its notice is durable.', 'core_log_permanent_failure_v1', 'msg', 'dr', 'now', 'note', 'note_len'),
  ),
  connect_failed: tell<[ConnectFailure]>(
    'connect_failed',
    1,
    on('No connection could be made.', 'core_log_client_connection_failure', 'dr', 'bs', 'host'),
  ),
  bounce_make: fold<Notice, [Mail, Attempt]>(
    'bounce_make',
    3,
    on('Change or stop the notice of a failure.', 'core_generate_bounces', 'msg', 'enabled'),
  ),
  delay_make: fold<Notice, [Mail]>('delay_make', 2, on('Change or stop the notice that a mail is late.')),
  receipt_make: fold<Notice, [Mail, Attempt]>(
    'receipt_make',
    3,
    on('Change or stop the notice that a mail was delivered or handed on, for which its sender asked.'),
  ),
  authenticated: tell<[Session | null, user: string, result: 'ok' | 'no' | 'error']>(
    'authenticated',
    3,
    on('An AUTH attempt or console log-in ended.', 'core_aaa_log', 'record'),
  ),
  woken: ask<[Mail, key: string]>('woken', 2, on('A wake-up that was asked for is due.')),
  logged: tell<[LogRecord]>('logged', 1, on('A line for the panic log.', 'core_log_error', 'now', 'level', 'text')),
  log_reopen: tell<[]>('log_reopen', 0, on('Reopen log files.', 'core_log_reopen')),
  disconnected: tell<[Session]>('disconnected', 1, on('A session ended.', 'validate_dealloc')),
  shutdown: tell<[]>('shutdown', 0, on('The daemon is about to stop.', 'core_control_shutdown')),
};

export type Hooks = typeof hooks;
export type HookName = keyof Hooks;

/** The hook that answers to a Momentum callout. */
export const hookOfCallout = (name: string): Hook | undefined => Object.values<Hook>(hooks).find((hook) => hook.callout?.name === name);
