/** Core options, area B: how listeners take connections. */
import { opt } from '../opt.js';
import { ECSTREAM, HTTP, SMTP, SOCKETS } from '../scopes.js';

const WITH_MSGC = [...SOCKETS, 'msgcserver_listener'] as const;

export const listenerOptions = {
  accept_queue_backlog: opt.int({
    doc: 'How many connections may wait between the threads that accept them and the loop that serves them.',
    default: 0,
    effect: 'never',
    scopes: [
      'esmtp_listener',
      'http_listener',
      'ecstream_listener',
      'control_listener',
      'eccluster_listener',
      'xmpp_listener',
      'msgcserver_listener',
      'listen',
    ],
  }),
  concurrency: opt.int({
    doc: 'Number of threads that accept connections for this listener.',
    default: 0,
    effect: 'never',
    scopes: SOCKETS,
  }),
  context: opt.map({
    doc: 'Facts every connection begins with; a key __bypass_NAME with the value true spares it the module NAME.',
    scopes: SMTP,
  }),
  disable_chunked: opt.bool({ doc: 'Send no chunked answers to HTTP clients.', default: false, scopes: HTTP }),
  disable_nagle_algorithm: opt.bool({
    doc: 'Send small packets at once instead of gathering them (TCP_NODELAY).',
    default: false,
    effect: 'never',
    differs: 'Replies leave as one write here, so they are always sent at once.',
    scopes: ['global', ...SOCKETS],
  }),
  ecstream_idle_time: opt.seconds({
    doc: 'How long a client of the ECStream service may be silent.',
    default: 300,
    effect: 'never',
    scopes: ECSTREAM,
  }),
  ecstream_max_batch_size: opt.int({
    doc: 'How many ECStream messages are taken before others get their turn.',
    default: 10_000,
    effect: 'never',
    scopes: ECSTREAM,
  }),
  enable: opt.bool({
    doc: 'Switches a listener, or one of its sockets, on or off while running.',
    default: true,
    effect: 'restricts',
    loose: [true],
    scopes: WITH_MSGC,
  }),
  event_loop: opt.string({
    doc: 'Name of the event loop that serves this listener.',
    reload: 'restart',
    effect: 'never',
    scopes: ['esmtp_listener', 'ecstream_listener', 'listen'],
  }),
  events_per_iter: opt.int({
    doc: 'How many waiting connections are served in one turn of the loop.',
    default: 0,
    effect: 'never',
    scopes: SOCKETS,
  }),
  file_mode: opt.octal({ doc: 'Permissions of a unix socket.', default: 0o660, effect: 'restricts', scopes: WITH_MSGC }),
  idle_time: opt.seconds({
    doc: 'How long a client may be silent before its connection is closed; 0 = for ever.',
    default: 300,
    differs: "Momentum's built-in value is 0, its shipped file sets 300.",
    effect: 'restricts',
    loose: [0],
    scopes: ['pathway_group', 'pathway', 'esmtp_listener', 'http_listener', 'xmpp_listener', 'listen', 'peer'],
  }),
  listen_backlog: opt.int({
    doc: 'How many connections the kernel holds for us before they are accepted.',
    default: 500,
    min: 1,
    scopes: SOCKETS,
  }),
  listener_sessions: opt.int({
    doc: 'Most sessions at one time on this listener; 0 = no limit.',
    default: 0,
    effect: 'restricts',
    loose: [0],
    scopes: SMTP,
  }),
  log_requests_to_paniclog: opt.bool({ doc: 'Write a line about every HTTP request into the panic log.', default: false, scopes: HTTP }),
  max_request_size: opt.size({ doc: 'Largest HTTP request that is taken.', effect: 'restricts', scopes: HTTP }),
  mcmt_reception: opt.string({
    doc: 'What happens to messages of the multi-channel type when they are received.',
    default: 'passthru',
    effect: 'never',
    scopes: SMTP,
  }),
  pool_name: opt.string({ doc: 'Thread pool whose threads accept connections.', effect: 'never', scopes: SOCKETS }),
  reconfig_message: opt.string({
    doc: 'Text after the 421 that a session gets which the new configuration no longer admits.',
    default: '4.3.2 Reconfiguration in progress',
    differs: 'Momentum closes every session after a reload; here sessions that are still admitted go on.',
    scopes: ['esmtp_listener'],
  }),
  service_sessions: opt.int({
    doc: 'Most sessions at one time over all listeners of this service; 0 = no limit.',
    default: 0,
    effect: 'restricts',
    loose: [0],
    scopes: SMTP,
  }),
  tcp_recv_buffer_size: opt.size({
    doc: 'Receive buffer of the sockets; 0 = as the system decides.',
    default: 4096,
    effect: 'never',
    differs: 'The system sizes the buffers of TCP sockets by itself and better; a fixed size would only switch that off.',
    scopes: SOCKETS,
  }),
  tcp_send_buffer_size: opt.size({
    doc: 'Send buffer of the sockets; 0 = as the system decides.',
    default: 4096,
    effect: 'never',
    differs: 'The system sizes the buffers of TCP sockets by itself and better; a fixed size would only switch that off.',
    scopes: SOCKETS,
  }),
  timeout: opt.seconds({
    doc: 'How long a console connection may be silent.',
    default: 60,
    effect: 'restricts',
    loose: [0],
    scopes: ['control_listener'],
  }),
};
