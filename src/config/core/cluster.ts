/** Core options, area Q: several nodes as one. */
import { opt } from '../opt.js';
import { G_B } from '../scopes.js';

const restricts = { effect: 'restricts' } as const;
const G_BG_D = ['global', 'binding_group', 'domain'] as const;

export const clusterScopedOptions = {
  cluster_max_outbound_connections: opt.int({
    doc: 'max_outbound_connections over all nodes; -1 = no limit.',
    default: -1,
    min: -1,
    ...restricts,
    loose: [-1],
    scopes: ['global', 'binding', 'domain', 'host'],
  }),
  cluster_outbound_throttle_connections: opt.throttle({
    doc: 'outbound_throttle_connections over all nodes.',
    ...restricts,
    scopes: G_BG_D,
  }),
  cluster_outbound_throttle_messages: opt.throttle({ doc: 'outbound_throttle_messages over all nodes.', ...restricts, scopes: G_BG_D }),
  cluster_scope_max_outbound_connections: opt.int({
    doc: 'scope_max_outbound_connections over all nodes; -1 = no limit.',
    min: -1,
    ...restricts,
    loose: [-1],
    scopes: ['global', 'binding_group', 'binding', 'domain', 'host'],
  }),
  cluster_server_max_outbound_connections: opt.int({
    doc: 'server_max_outbound_connections over all nodes; -1 = no limit.',
    min: -1,
    ...restricts,
    loose: [-1],
    scopes: G_B,
  }),
  duravip_follow: opt.string({
    doc: 'This socket stands on the node that owns the binding of this name.',
    ...restricts,
    scopes: ['listen'],
  }),
  duravip_preference: opt.strings({ doc: 'Nodes that should own this address, in order.', scopes: ['binding', 'listen'] }),
  enable_duravip: opt.bool({
    doc: 'The address moves to another node when its owner fails.',
    ...restricts,
    loose: [false],
    scopes: ['binding', 'listen'],
  }),
};

/** What `cluster` holds. */
export const clusterOptions = {
  arp_all_hosts: opt.bool({ doc: 'Tell every known host about an address that has moved.', default: true }),
  cluster_group: opt.string({ doc: 'Group that agrees who owns which address.', default: 'ec_cluster' }),
  control_group: opt.string({ doc: 'Group that console commands for all nodes are sent to.', default: 'ec_console' }),
  debug_level: opt.choice(
    'critical',
    'error',
    'warning',
    'notice',
    'info',
    'debug',
  )({ doc: 'From which level on the module logs.', default: 'error' }),
  duravip_balance_set_size: opt.int({ doc: 'Addresses moved in one round of balancing.', default: 1, min: 1 }),
  enabled: opt.bool({ doc: 'Switches the cluster on or off.', default: true }),
  heartbeat_start_delay: opt.seconds({ doc: 'Pause before the first heartbeat.', default: 15 }),
  heartbeats_per_sec: opt.int({ doc: 'Heartbeats a second.', default: 1, min: 1 }),
  if_check_interval: opt.seconds({ doc: 'How often the network interfaces are checked.', default: 30, min: 1 }),
  if_down_limit: opt.int({ doc: 'Failed checks after which an interface counts as down.', default: 4, min: 1 }),
  log_active_interval: opt.seconds({ doc: 'How often logs are shipped while there is much to ship.', default: 1, min: 1 }),
  log_group: opt.string({ doc: 'Group that logs are shipped to.' }),
  log_idle_interval: opt.seconds({ doc: 'How often logs are shipped while there is little to ship.', default: 10, min: 1 }),
  logs: opt.strings({ doc: 'Logs that are shipped.' }),
  mbus_daemon: opt.int({ doc: 'Port of the message bus.', default: 4803, min: 1, max: 65535 }),
  nodeaddr: opt.ip({ doc: 'Address of this node.' }),
  nodename: opt.string({ doc: 'Name of this node.' }),
  subcluster: opt.string({ doc: 'Part of the cluster this node belongs to.' }),
  tcp_buffer_size: opt.size({ doc: 'Largest socket buffer between nodes.', default: 32_768 }),
  unconditional_rebind: opt.bool({ doc: 'Give the mail of a binding that has moved away to the others.', default: true }),
  view_balance_interval: opt.seconds({ doc: 'How often addresses are balanced.', default: 10, min: 1 }),
  view_broadcast_interval: opt.seconds({ doc: 'How often a node tells what it owns; 0 = only when it changes.', default: 0 }),
  view_mature_time: opt.seconds({ doc: 'How long a view must stand before it is acted on.', default: 5 }),
};

/** What `logs` holds. */
export const logsOptions = {
  control_cache: opt.string({ doc: 'File that remembers how far each log was read.' }),
  dir_mode: opt.octal({ doc: 'Permissions of folders for logs of other nodes.', effect: 'restricts' }),
  file_mode: opt.octal({ doc: 'Permissions of the files of logs of other nodes.', effect: 'restricts' }),
  logfile: opt.string({ doc: 'Path of such a file, with fields for node and log.' }),
  max_idle: opt.seconds({ doc: 'Files that were not written for this long are closed.' }),
  max_open: opt.int({ doc: 'Files that are open at one time.' }),
};
