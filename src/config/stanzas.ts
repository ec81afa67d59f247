/** The stanzas of the core: where each may stand, whether it has a name, what it may hold. */
import { clusterOptions, logsOptions } from './core/cluster.js';
import { roleOptions, securityOptions } from './core/daemon.js';
import { debugFlagsOptions } from './core/logging.js';
import { snmpOptions, trapDestinationOptions, trapOptions } from './core/snmp.js';
import { eventloopOptions, threadpoolOptions } from './core/threads.js';
import type { BlockShape } from './manifest.js';
import { LISTENER_KINDS, type Scope } from './scopes.js';

/** Whether a stanza carries a name: never, always, or as one likes. */
export type Naming = 'never' | 'always' | 'perhaps';

/** A stanza that is a scope: options of the core and of modules apply in it by their `scopes`. */
export interface ScopeKind {
  readonly doc: string;
  readonly within: readonly Scope[];
  readonly naming: Naming;
  /** What the name is: a word, a domain or pattern, a network, a socket. */
  readonly form: 'name' | 'pattern' | 'network' | 'socket';
  /** The module that gives it life; without it the stanza is refused. */
  readonly module?: string;
  /** Why the stanza is always refused. */
  readonly refusal?: string;
}

const WITH_LISTEN = LISTENER_KINDS.filter((kind) => kind !== 'eccluster_listener');
const WITH_PEER: readonly Scope[] = [...WITH_LISTEN.filter((kind) => kind !== 'msgcserver_listener'), 'listen'];

export const scopeKinds: Readonly<Record<Exclude<Scope, 'global'>, ScopeKind>> = {
  binding_group: { doc: 'Several bindings that share mail and options.', within: ['global'], naming: 'always', form: 'name' },
  binding: {
    doc: 'A sender of its own: source address, EHLO name, queues and options.',
    within: ['global', 'binding_group'],
    naming: 'always',
    form: 'name',
  },
  domain: {
    doc: 'Options for a destination domain; the name may be a /pattern/ or an address literal.',
    within: ['global', 'binding_group', 'binding'],
    naming: 'always',
    form: 'pattern',
  },
  host: {
    doc: 'Limits for a host that takes mail; the name may be a /pattern/.',
    within: ['global', 'binding_group', 'binding'],
    naming: 'always',
    form: 'pattern',
  },
  pathway_group: { doc: 'Several pathways that share options.', within: ['global'], naming: 'always', form: 'name' },
  pathway: { doc: 'A named bundle of options for receiving.', within: ['global', 'pathway_group'], naming: 'always', form: 'name' },
  esmtp_listener: { doc: 'The SMTP service.', within: ['global'], naming: 'perhaps', form: 'name' },
  http_listener: { doc: 'The HTTP service.', within: ['global'], naming: 'perhaps', form: 'name', module: 'httpsrv' },
  ecstream_listener: {
    doc: 'The ECStream service.',
    within: ['global'],
    naming: 'perhaps',
    form: 'name',
    refusal: 'ECStream cannot be served: its protocol is not public.',
  },
  control_listener: { doc: 'The console.', within: ['global'], naming: 'perhaps', form: 'name' },
  eccluster_listener: { doc: 'The service between nodes.', within: ['global'], naming: 'perhaps', form: 'name', module: 'cluster' },
  xmpp_listener: { doc: 'The XMPP service.', within: ['global'], naming: 'perhaps', form: 'name', refusal: 'XMPP is not served.' },
  msgcserver_listener: { doc: 'The service of msgc_server.', within: ['global'], naming: 'perhaps', form: 'name', module: 'msgc_server' },
  listen: {
    doc: 'One socket: ip:port, [ipv6]:port, :port or the path of a unix socket.',
    within: WITH_LISTEN,
    naming: 'always',
    form: 'socket',
  },
  peer: { doc: 'Options for clients of a network; the longest prefix wins.', within: WITH_PEER, naming: 'always', form: 'network' },
};

/** A top-level stanza that holds options of its own and is no scope. */
export interface CabinetKind {
  readonly doc: string;
  readonly naming: Naming;
  readonly shape: BlockShape;
  readonly module?: string;
}

export const cabinets = {
  authorization: {
    doc: 'Which roles may run which console commands.',
    naming: 'never',
    shape: { options: {}, blocks: { role: roleOptions } },
  },
  debug_flags: { doc: 'Which subsystems write to the panic log, by level.', naming: 'perhaps', shape: debugFlagsOptions },
  eventloop: { doc: 'A pool of event loops.', naming: 'always', shape: eventloopOptions },
  threadpool: { doc: 'A pool of threads.', naming: 'always', shape: threadpoolOptions },
  security: { doc: 'Who the workers run as, and what they keep.', naming: 'never', shape: securityOptions },
  snmp: { doc: 'The SNMP agent.', naming: 'never', shape: snmpOptions },
  snmp_traps: {
    doc: 'SNMP traps.',
    naming: 'never',
    shape: { options: trapOptions, blocks: { destination: trapDestinationOptions, trap_destination: trapDestinationOptions } },
  },
  logs: {
    doc: 'Logs of other nodes that are gathered here.',
    naming: 'perhaps',
    shape: { options: logsOptions, blocks: { manager: logsOptions } },
  },
  cluster: {
    doc: 'This node as one of many.',
    naming: 'perhaps',
    shape: { options: clusterOptions, blocks: { replicate: {}, topology: {} } },
    module: 'cluster',
  },
} as const satisfies Readonly<Record<string, CabinetKind>>;

export type CabinetName = keyof typeof cabinets;

type OptionsIn<S> = S extends { readonly options: infer O } ? O : S;
/** The options a cabinet holds itself. */
export type CabinetOptions<K extends CabinetName> = OptionsIn<(typeof cabinets)[K]['shape']>;
