/** Which scopes count for a question, most specific first: the fallback rules, and nothing else. */
import { containsIp, parseIp } from '../kernel/cidr.js';
import { foldDomain } from '../kernel/domain.js';
import type { Scope } from './scopes.js';
import type { ScopeNode } from './settings.js';

/** A place of sending. A binding without a group, or with one that nobody wrote, is looked for in the group that has it. */
export interface OutboundWhere {
  readonly group?: string | undefined;
  readonly binding?: string | undefined;
  readonly domain?: string | undefined;
}

/** A host that takes mail, seen from a binding. */
export interface HostWhere extends OutboundWhere {
  readonly host: string;
}

/** A client. Listeners and sockets are named as `snapshot.listeners()` names them; a client of a unix socket has no address. */
export interface InboundWhere {
  readonly listener: string;
  readonly listen?: string | undefined;
  readonly peerIp?: string | undefined;
  /** Overrules the option `pathway`. */
  readonly pathway?: string | undefined;
}

/** A pathway itself, without a client. */
export interface PathwayWhere {
  readonly pathway: string;
  readonly pathwayGroup?: string | undefined;
}

export type Where = OutboundWhere | HostWhere | InboundWhere | PathwayWhere;

/** Scopes, most specific first; the last one is global. */
export type Chain = readonly ScopeNode[];

/** Names and patterns of one container, told apart once. */
interface Names {
  readonly exact: ReadonlyMap<string, ScopeNode>;
  readonly patterns: readonly ScopeNode[];
}

const NOBODY: Names = { exact: new Map(), patterns: [] };

/** Answers questions about one tree of scopes. */
export class Scopes {
  readonly root: ScopeNode;
  readonly #names = new Map<ScopeNode, Map<'domain' | 'host', Names>>();
  readonly #groupOf = new Map<string, ScopeNode>();
  readonly #listeners = new Map<string, ScopeNode>();

  constructor(root: ScopeNode) {
    this.root = root;
    this.#index(root);
    for (const group of childrenOf(root, 'binding_group')) {
      for (const { instance } of childrenOf(group, 'binding')) if (!this.#groupOf.has(instance)) this.#groupOf.set(instance, group);
    }
    for (const kind of root.children.keys()) {
      if (kind.endsWith('_listener')) for (const node of childrenOf(root, kind)) this.#listeners.set(node.key, node);
    }
  }

  /** BG::B::D → B::D → BG::D → BG::B → B → BG → D → global. */
  outbound({ group, binding, domain }: OutboundWhere): Chain {
    const { bg, inGroup, alone } = this.#bindings(group, binding);
    const chain: ScopeNode[] = [];
    for (const node of [inGroup, alone, bg]) if (node && domain !== undefined) chain.push(...this.#matches(node, 'domain', domain));
    for (const node of [inGroup, alone, bg]) if (node) chain.push(node);
    if (domain !== undefined) chain.push(...this.#matches(this.root, 'domain', domain));
    chain.push(this.root);
    return chain;
  }

  /** BG::B::H → B::H → BG::H → H. Wider scopes do not count for a host. */
  host({ group, binding, host }: HostWhere): Chain {
    const { bg, inGroup, alone } = this.#bindings(group, binding);
    return [inGroup, alone, bg, this.root].flatMap((node) => (node ? this.#matches(node, 'host', host) : []));
  }

  /** listen::peer → listener::peer → listen → the pathway → listener → global. */
  inbound({ listener, listen, peerIp, pathway }: InboundWhere): Chain {
    const node = this.listener(listener);
    const socket = listen === undefined || !node ? undefined : this.socket(node, listen);
    const ip = parseIp(peerIp || '127.0.0.1');
    const near = [socket, node].map((scope) => scope && ip && longestPeer(scope, ip));
    const named =
      pathway ?? [...near, socket, node].map((scope) => scope?.settings.get('pathway')?.value).find((name) => name !== undefined);
    const chain: (ScopeNode | undefined)[] = [...near, socket];
    if (typeof named === 'string') chain.push(...this.pathway({ pathway: named }).slice(0, -1));
    chain.push(node, this.root);
    return chain.filter((scope) => scope !== undefined);
  }

  /** PG::PW → PW → PG → global. */
  pathway({ pathway, pathwayGroup }: PathwayWhere): Chain {
    const groups = childrenOf(this.root, 'pathway_group');
    const group =
      pathwayGroup === undefined
        ? groups.find((g) => g.children.get('pathway')?.has(pathway))
        : groups.find((g) => g.instance === pathwayGroup);
    const inGroup = group?.children.get('pathway')?.get(pathway);
    const alone = this.root.children.get('pathway')?.get(pathway);
    return [inGroup, alone, group, this.root].filter((scope) => scope !== undefined);
  }

  /** The chain of any question. */
  chain(where: Where): Chain {
    if ('host' in where) return this.host(where);
    if ('listener' in where) return this.inbound(where);
    return 'pathway' in where ? this.pathway(where) : this.outbound(where);
  }

  listener(name: string): ScopeNode | undefined {
    return this.#listeners.get(name);
  }

  /** A listen stanza by its name, in its one spelling or as written. */
  socket(listener: ScopeNode, name: string): ScopeNode | undefined {
    const sockets = listener.children.get('listen');
    return sockets?.get(name) ?? [...(sockets?.values() ?? [])].find((node) => node.written === name);
  }

  /** True when stanzas for domains could tell one domain from another at this binding. */
  tellsDomainsApart(group: string | undefined, binding: string | undefined): boolean {
    const { bg, inGroup, alone } = this.#bindings(group, binding);
    return [inGroup, alone, bg, this.root].some((node) => node?.children.has('domain') === true);
  }

  /** True when stanzas for peers could tell one client from another on this socket. */
  tellsPeersApart(listener: string, listen: string | undefined): boolean {
    const node = this.listener(listener);
    const socket = listen === undefined || !node ? undefined : this.socket(node, listen);
    return node?.children.has('peer') === true || socket?.children.has('peer') === true;
  }

  /** The group a binding stands in, when it stands in one. */
  groupOf(binding: string): string | undefined {
    return this.#groupOf.get(binding)?.instance;
  }

  #bindings(group: string | undefined, binding: string | undefined): Record<'bg' | 'inGroup' | 'alone', ScopeNode | undefined> {
    const alone = binding === undefined ? undefined : this.root.children.get('binding')?.get(binding);
    const guessed = binding === undefined || alone ? undefined : this.#groupOf.get(binding);
    const bg = (group === undefined ? undefined : this.root.children.get('binding_group')?.get(group)) ?? guessed;
    return { bg, alone, inGroup: binding === undefined ? undefined : bg?.children.get('binding')?.get(binding) };
  }

  #index(node: ScopeNode): void {
    const names = new Map<'domain' | 'host', Names>();
    for (const kind of ['domain', 'host'] as const) {
      const all = childrenOf(node, kind);
      if (all.length === 0) continue;
      const exact = new Map(all.filter((child) => !child.pattern).map((child) => [foldDomain(child.instance), child]));
      names.set(kind, { exact, patterns: all.filter((child) => child.pattern) });
    }
    if (names.size > 0) this.#names.set(node, names);
    for (const kind of ['binding_group', 'binding'] as const) for (const child of childrenOf(node, kind)) this.#index(child);
  }

  /** The exact name first, then every pattern that matches, in file order. */
  #matches(container: ScopeNode, kind: 'domain' | 'host', name: string): readonly ScopeNode[] {
    const { exact, patterns } = this.#names.get(container)?.get(kind) ?? NOBODY;
    const lower = name.toLowerCase();
    const folded = foldDomain(lower);
    const found = exact.get(folded);
    const matching = patterns.filter(({ pattern }) => pattern?.test(lower) || (folded !== lower && pattern?.test(folded)));
    return found ? [found, ...matching] : matching;
  }
}

const childrenOf = (node: ScopeNode, kind: Scope): readonly ScopeNode[] => [...(node.children.get(kind)?.values() ?? [])];

/** The peer stanza with the longest prefix that holds the address. */
function longestPeer(scope: ScopeNode, ip: Uint8Array): ScopeNode | undefined {
  let best: ScopeNode | undefined;
  for (const peer of childrenOf(scope, 'peer')) {
    if (peer.network && containsIp(peer.network, ip) && peer.network.bits > (best?.network?.bits ?? -1)) best = peer;
  }
  return best;
}
