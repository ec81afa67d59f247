/** Core options, area H: limits on connections, and rates. */
import { opt } from '../opt.js';
import { G, G_B, G_BD } from '../scopes.js';

const restricts = { effect: 'restricts' } as const;

export const limitOptions = {
  connection_allocation_aggressiveness: opt.numberOr(
    'normal',
    'high',
  )({
    doc: 'How eagerly connections are opened as a queue grows; normal is 0.3, high 0.75.',
    default: 'normal',
    min: 0,
    max: 1,
    scopes: G_BD,
  }),
  max_deliveries_per_connection: opt.int({
    doc: 'Messages delivered over one connection before it is closed; 0 = no limit.',
    default: 0,
    ...restricts,
    loose: [0],
    scopes: G_BD,
  }),
  max_outbound_connections: opt.int({
    doc: 'Connections for one domain of one binding. In a host stanza: connections to that host, unset = no limit (-1).',
    default: 32,
    min: -1,
    ...restricts,
    loose: [-1, 0],
    scopes: ['global', 'binding_group', 'binding', 'domain', 'host'],
  }),
  max_recipients_per_batch: opt.int({ doc: 'Recipients of one transaction.', default: 100, min: 1, ...restricts, scopes: G_BD }),
  outbound_throttle_connections: opt.throttle({
    doc: 'How many connections are opened in a time; all who fall back to it share it.',
    ...restricts,
    scopes: G_BD,
  }),
  outbound_throttle_messages: opt.throttle({
    doc: 'How many messages are sent in a time; all who fall back to it share it.',
    ...restricts,
    scopes: G_BD,
  }),
  scope_max_outbound_connections: opt.int({
    doc: 'Connections of everything within the scope together; -1 = no limit.',
    min: -1,
    ...restricts,
    loose: [-1],
    scopes: G_BD,
  }),
  server_max_file_descriptors: opt.int({
    doc: 'How many open files and sockets are needed; a start with a lower limit of the system says so.',
    default: 3_000_000,
    min: 64,
    reload: 'restart',
    differs: 'Momentum raises the limit of the process itself; here LimitNOFILE of the service, or ulimit -n, does.',
    scopes: G,
  }),
  server_max_outbound_connections: opt.int({
    doc: 'Connections of the whole server, or of one binding when set there.',
    default: 20_000,
    min: 1,
    ...restricts,
    scopes: G_B,
  }),
  server_reserve_outbound_connections: opt.int({
    doc: 'Connections above that limit, kept for domains that have none.',
    default: 200,
    scopes: G,
  }),
  siv_throttle_cache_size: opt.int({
    doc: 'How many named throttles scripts may make.',
    default: 1000,
    min: 1,
    effect: 'never',
    differs: 'Scripts make no throttles here.',
    scopes: G,
  }),
};
