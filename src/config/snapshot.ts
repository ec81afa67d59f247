/** A configuration that stands still: numbered, frozen, with the place every value came from. Look-ups are remembered. */
import type { CoreName } from './core/index.js';
import { listGateways } from './gateways.js';
import { openShape } from './manifest.js';
import { MatchCache } from './match-cache.js';
import type { Options, Values } from './option.js';
import { type Chain, type HostWhere, type InboundWhere, type OutboundWhere, Scopes, type Where } from './scope.js';
import { LISTENER_KINDS, type ListenerKind, OUTBOUND_SCOPES } from './scopes.js';
import type { Block, Config, ModuleInstance, ScopeNode, Setting } from './settings.js';
import type { SocketAddress } from './socket-address.js';
import { type CabinetName, type CabinetOptions, cabinets } from './stanzas.js';
import {
  coreOptions,
  defaultsIn,
  type GlobalValues,
  type HostValues,
  type InboundValues,
  makeValues,
  type OutboundValues,
  overlay,
} from './values.js';

export type { HostWhere, InboundWhere, OutboundWhere, PathwayWhere, Where } from './scope.js';
export type { GlobalValues, HostValues, InboundValues, OutboundValues } from './values.js';

/** One value and where it comes from. */
export interface Found {
  readonly value: unknown;
  /** Stable name of the scope in which the value is written, `default` when it is in none. Shared counters are named by it. */
  readonly scopeKey: string;
  readonly file?: string;
  readonly line?: number;
  readonly setting?: Setting;
}

/** A listener with its sockets. */
export interface Listener {
  readonly kind: ListenerKind;
  /** What `inbound` calls it: the keyword, and the name if it has one. */
  readonly name: string;
  readonly listens: readonly { readonly name: string; readonly address: SocketAddress; readonly file: string; readonly line: number }[];
  readonly file: string;
  readonly line: number;
}

export interface Binding {
  readonly name: string;
  /** The group it stands in. */
  readonly group: string | undefined;
  readonly file: string;
  readonly line: number;
}

/** Everything that holds for one chain of scopes. */
interface Resolved<V> {
  readonly values: V;
  readonly settings: ReadonlyMap<string, Setting>;
  readonly modules: Map<string, Readonly<Record<string, unknown>>>;
}

const GLOBAL_DEFAULTS = defaultsIn(coreOptions, ['global']);
const OUTBOUND_DEFAULTS = defaultsIn(coreOptions, OUTBOUND_SCOPES);
const INBOUND_DEFAULTS = defaultsIn(coreOptions, ['global', 'pathway_group', 'pathway', ...LISTENER_KINDS, 'listen', 'peer']);
const HOST_NAMES = Object.keys(coreOptions).filter((name) => coreOptions[name]?.scopes.includes('host'));
/** How many names of groups and bindings that no stanza has are remembered (`default` is one). */
const MAX_STRANGERS = 1000;
const EMPTY: ReadonlyMap<string, Block> = new Map();

/** The configuration in force. `number` grows with every reload. */
export class Snapshot {
  readonly number: number;
  readonly config: Config;
  /** All options that may be set globally. */
  readonly global: GlobalValues;
  readonly #scopes: Scopes;
  /** What was worked out, by the scopes that matched: many names share one answer. */
  readonly #byChain = new Map<string, Resolved<unknown>>();
  readonly #places = new Map<string | undefined, Map<string | undefined, PlaceMemory>>();
  readonly #clients = new Map<string, Map<string | undefined, Map<string | undefined, ClientMemory>>>();
  readonly #hosts: MatchCache<HostValues>;
  readonly #cacheSize: number;
  #strangers = 0;
  #gateways: ReadonlySet<string> | undefined;

  constructor(config: Config, number: number) {
    this.config = config;
    this.number = number;
    this.#scopes = new Scopes(config.root);
    this.global = makeValues(GLOBAL_DEFAULTS, config.root.settings) as GlobalValues;
    this.#cacheSize = this.global.match_cache_size;
    this.#hosts = new MatchCache(this.#cacheSize);
  }

  /** What holds at a place of sending. The same frozen object for all places that match the same scopes. */
  at(where: OutboundWhere): OutboundValues {
    return this.#atPlace(where.group, where.binding, where.domain).values;
  }

  /** Limits of a host that takes mail; an unset max_outbound_connections is -1, the cluster's limits fall back to wider scopes. */
  host(name: string, where: OutboundWhere = {}): HostValues {
    const key = `${where.group ?? ''}\n${where.binding ?? ''}\n${where.domain ?? ''}\n${name}`;
    const known = this.#hosts.recall(key);
    if (known) return known;
    const values = Object.freeze(
      Object.fromEntries(HOST_NAMES.map((option) => [option, this.#findForHost(option, { ...where, host: name }).value])),
    );
    this.#hosts.remember(key, values as HostValues);
    return values as HostValues;
  }

  /** What holds for a client. The same frozen object for all clients that match the same scopes. */
  inbound(where: InboundWhere): InboundValues {
    return this.#forClient(where).values;
  }

  /** One option of the core or of a module with its origin. */
  find(option: CoreName | (string & {}), where: Where = {}): Found {
    const name = option.toLowerCase();
    if ('host' in where) return this.#findForHost(name, where);
    return this.#foundIn(this.#resolve(where).settings.get(name), name);
  }

  /** The name of the scope in which an option's value is written for a place; `default` when it is in none. For shared counters. */
  scopeKey(option: CoreName, where: OutboundWhere): string {
    return this.#atPlace(where.group, where.binding, where.domain).settings.get(option)?.scopeKey ?? 'default';
  }

  /** Values of the options a module added to scopes of the core. */
  moduleValues<S extends Options>(module: { readonly name: string; readonly scoped?: S | undefined }, where: Where): Values<S> {
    const { modules, settings } = this.#resolve(where);
    let values = modules.get(module.name);
    if (!values) {
      const defaults = Object.entries(module.scoped ?? {}).map(([name, option]) => [name, option.default] as const);
      values = makeValues(defaults, settings);
      modules.set(module.name, values);
    }
    return values as Values<S>;
  }

  /** Configured modules in the order of the files. */
  modules(): readonly ModuleInstance[] {
    return this.config.modules;
  }

  /** Top-level stanzas that modules own, by name. */
  moduleStanzas(kind: string): ReadonlyMap<string, Block> {
    return this.config.moduleStanzas.get(kind.toLowerCase()) ?? EMPTY;
  }

  /** Stanzas that modules put into scopes: the ones of the most specific scope that has any. */
  scopeBlocks(kind: string, where: Where): ReadonlyMap<string, Block> {
    return (
      this.#scopes
        .chain(where)
        .find((scope) => scope.blocks.has(kind))
        ?.blocks.get(kind) ?? EMPTY
    );
  }

  /** Options of a stanza of the core that stands once: `snapshot.stanza('security').user`. Defaults where it does not stand. */
  stanza<K extends CabinetName>(kind: K): Values<CabinetOptions<K> & Options> {
    const block = this.config.cabinets.get(kind)?.values().next().value;
    return (block?.options ?? defaultValues(openShape(cabinets[kind].shape).options)) as Values<CabinetOptions<K> & Options>;
  }

  /** Stanzas of the core of one kind, by name. */
  stanzas(kind: CabinetName): ReadonlyMap<string, Block> {
    return this.config.cabinets.get(kind) ?? EMPTY;
  }

  bindings(): readonly Binding[] {
    const inGroups = childrenOf(this.config.root, 'binding_group').flatMap((group) =>
      childrenOf(group, 'binding').map((b) => describeBinding(b, group.instance)),
    );
    return [...childrenOf(this.config.root, 'binding').map((b) => describeBinding(b, undefined)), ...inGroups];
  }

  groups(): readonly { readonly name: string; readonly members: readonly string[] }[] {
    return childrenOf(this.config.root, 'binding_group').map((group) => ({
      name: group.instance,
      members: childrenOf(group, 'binding').map((b) => b.instance),
    }));
  }

  /** Mail of this binding finds a binding stanza: alone, or in this group when there is such a group, else in any. */
  hasBinding(binding: string, group?: string): boolean {
    return this.#scopes.outbound({ group, binding }).some((scope) => scope.kind === 'binding');
  }

  /** Some scope names this routing domain as its `gateway`. */
  isGateway(domain: string): boolean {
    this.#gateways ??= listGateways(this.config.root);
    return this.#gateways.has(domain);
  }

  /** The group a binding stands in. */
  groupOf(binding: string): string | undefined {
    return this.#scopes.groupOf(binding);
  }

  /** Listeners of one kind, or all, with the sockets they ask for. */
  listeners(kind?: ListenerKind): readonly Listener[] {
    return (kind ? [kind] : LISTENER_KINDS).flatMap((each) =>
      childrenOf(this.config.root, each).map((node) => ({
        kind: each,
        name: node.key,
        file: node.file,
        line: node.line,
        listens: childrenOf(node, 'listen').filter(hasAddress).map(describeListen),
      })),
    );
  }

  /** The pathway a client goes through, with its group. */
  pathwayOf(where: InboundWhere): { readonly pathway: string; readonly group: string | undefined } | undefined {
    const node = this.#scopes.inbound(where).find((scope) => scope.kind === 'pathway');
    return node && { pathway: node.instance, group: node.parent?.kind === 'pathway_group' ? node.parent.instance : undefined };
  }

  /** The scopes that count for a question, most specific first. */
  chain(where: Where): Chain {
    return this.#scopes.chain(where);
  }

  #resolve(where: Where): Resolved<unknown> {
    if ('listener' in where) return this.#forClient(where);
    if ('host' in where || 'pathway' in where) return this.#resolveChain(this.#scopes.chain(where), () => undefined);
    return this.#atPlace(where.group, where.binding, where.domain);
  }

  #atPlace(group: string | undefined, binding: string | undefined, domain: string | undefined): Resolved<OutboundValues> {
    const memory = this.#places.get(group)?.get(binding) ?? this.#openPlace(group, binding);
    if (domain === undefined || !memory.domains) return memory.without;
    const known = memory.domains.recall(domain);
    if (known) return known;
    const resolved = this.#resolveOutbound({ group, binding, domain });
    memory.domains.remember(domain, resolved);
    return resolved;
  }

  /** Names that no stanza has share the memory of "none"; only so many of them are kept, so that strangers cannot fill it. */
  #openPlace(group: string | undefined, binding: string | undefined): PlaceMemory {
    const bg = group !== undefined && this.config.root.children.get('binding_group')?.has(group) ? group : undefined;
    const known = this.#scopes.outbound({ group: bg, binding }).some((scope) => scope.kind === 'binding');
    const b = known ? binding : undefined;
    if (bg !== group || b !== binding) {
      const shared = this.#places.get(bg)?.get(b) ?? this.#openPlace(bg, b);
      if (this.#strangers++ < MAX_STRANGERS) this.#keepPlace(group, binding, shared);
      return shared;
    }
    const domains = this.#scopes.tellsDomainsApart(group, binding) ? new MatchCache<Resolved<OutboundValues>>(this.#cacheSize) : undefined;
    const memory = { without: this.#resolveOutbound({ group, binding }), domains };
    this.#keepPlace(group, binding, memory);
    return memory;
  }

  #keepPlace(group: string | undefined, binding: string | undefined, memory: PlaceMemory): void {
    const byBinding = this.#places.get(group) ?? new Map<string | undefined, PlaceMemory>();
    this.#places.set(group, byBinding.set(binding, memory));
  }

  #resolveOutbound(where: OutboundWhere): Resolved<OutboundValues> {
    return this.#resolveChain(this.#scopes.outbound(where), (settings) => makeValues(OUTBOUND_DEFAULTS, settings) as OutboundValues);
  }

  #forClient(where: InboundWhere): Resolved<InboundValues> {
    const { listener, listen, peerIp, pathway } = where;
    const memory = this.#clients.get(listener)?.get(listen)?.get(pathway) ?? this.#openClient(where);
    if (!memory.peers) return memory.without;
    const key = peerIp ?? '';
    const known = memory.peers.recall(key);
    if (known) return known;
    const resolved = this.#resolveInbound(where);
    memory.peers.remember(key, resolved);
    return resolved;
  }

  /** Unknown names are worked out anew each time: only the configuration's own are remembered. */
  #openClient(where: InboundWhere): ClientMemory {
    const { listener, listen, pathway } = where;
    const peers = this.#scopes.tellsPeersApart(listener, listen) ? new MatchCache<Resolved<InboundValues>>(this.#cacheSize) : undefined;
    const memory = { without: this.#resolveInbound({ listener, listen, pathway }), peers };
    const node = this.#scopes.listener(listener);
    const known =
      node &&
      (listen === undefined || this.#scopes.socket(node, listen)) &&
      (pathway === undefined || this.#scopes.pathway({ pathway }).length > 1);
    if (!known) return memory;
    const byListen = this.#clients.get(listener) ?? new Map<string | undefined, Map<string | undefined, ClientMemory>>();
    const byPathway = byListen.get(listen) ?? new Map<string | undefined, ClientMemory>();
    this.#clients.set(listener, byListen.set(listen, byPathway.set(pathway, memory)));
    return memory;
  }

  #resolveInbound(where: InboundWhere): Resolved<InboundValues> {
    return this.#resolveChain(this.#scopes.inbound(where), (settings) => makeValues(INBOUND_DEFAULTS, settings) as InboundValues, 'in ');
  }

  /** The answer for a chain, worked out once. The number of chains is bounded by the stanzas that can match together. */
  #resolveChain<V>(chain: Chain, make: (settings: ReadonlyMap<string, Setting>) => V, kind = ''): Resolved<V> {
    const key = kind + chain.map((scope) => scope.key).join('\n');
    let resolved = this.#byChain.get(key) as Resolved<V> | undefined;
    if (!resolved) {
      const settings = overlay(chain);
      resolved = { values: make(settings), settings, modules: new Map() };
      if (this.#byChain.size >= this.#cacheSize) this.#byChain.clear();
      this.#byChain.set(key, resolved);
    }
    return resolved;
  }

  #findForHost(option: string, where: HostWhere): Found {
    const setting = overlay(this.#scopes.host(where)).get(option);
    if (setting || !option.startsWith('cluster_'))
      return this.#foundIn(setting, option, option === 'max_outbound_connections' ? -1 : undefined);
    return this.#foundIn(this.#atPlace(where.group, where.binding, where.domain).settings.get(option), option);
  }

  #foundIn(setting: Setting | undefined, option: string, otherwise?: unknown): Found {
    if (setting) return { value: setting.value, scopeKey: setting.scopeKey, file: setting.file, line: setting.line, setting };
    const declared = Object.hasOwn(coreOptions, option) ? coreOptions[option]?.default : undefined;
    return { value: otherwise ?? declared, scopeKey: 'default' };
  }
}

interface PlaceMemory {
  readonly without: Resolved<OutboundValues>;
  /** Undefined when no stanza tells domains apart. */
  readonly domains: MatchCache<Resolved<OutboundValues>> | undefined;
}

interface ClientMemory {
  readonly without: Resolved<InboundValues>;
  /** Undefined when no stanza tells clients apart. */
  readonly peers: MatchCache<Resolved<InboundValues>> | undefined;
}

const childrenOf = (node: ScopeNode, kind: ScopeNode['kind']): readonly ScopeNode[] => [...(node.children.get(kind)?.values() ?? [])];
const describeBinding = ({ instance, file, line }: ScopeNode, group: string | undefined): Binding => ({
  name: instance,
  group,
  file,
  line,
});
const hasAddress = (node: ScopeNode): node is ScopeNode & { readonly address: SocketAddress } => node.address !== undefined;
const describeListen = ({ instance, address, file, line }: ScopeNode & { readonly address: SocketAddress }) => ({
  name: instance,
  address,
  file,
  line,
});
const defaultValues = (options: Options): Readonly<Record<string, unknown>> =>
  makeValues(
    Object.entries(options).map(([name, option]) => [name, option.default] as const),
    new Map(),
  );
