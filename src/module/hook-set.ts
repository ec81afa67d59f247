/** All chains of one configuration: one field per hook of the catalogue, and the hooks that modules declare themselves. */
import { type ChainOf, type Guard, makeChain } from './engine.js';
import { type Hook, ORDERS } from './hook.js';
import { type HookName, type Hooks, hooks } from './hooks.js';
import type { Placed } from './placed.js';

export type Chains = { readonly [K in HookName]: ChainOf<Hooks[K]> };

/** A module may give a hook of its own any name, also one that the catalogue has. */
const isOfCatalogue = (hook: Hook): boolean => Object.hasOwn(hooks, hook.name) && hooks[hook.name as HookName] === hook;

export class HookSet {
  readonly chains: Chains;
  readonly #own = new Map<Hook, ChainOf<Hook>>();
  readonly #guard: Guard;

  /** Handlers come in file order; the order class goes before it. */
  constructor(placed: readonly Placed[], guard: Guard) {
    this.#guard = guard;
    const byHook = new Map<Hook, Placed[]>();
    for (const order of ORDERS) {
      for (const handler of placed) {
        if (handler.order !== order) continue;
        const list = byHook.get(handler.hook);
        if (list) list.push(handler);
        else byHook.set(handler.hook, [handler]);
      }
    }
    const chains: Record<string, unknown> = {};
    for (const [name, hook] of Object.entries<Hook>(hooks)) chains[name] = makeChain(hook, byHook.get(hook) ?? [], guard);
    // Built from the same catalogue the type is mapped over.
    this.chains = Object.freeze(chains) as unknown as Chains;
    for (const [hook, list] of byHook) if (!isOfCatalogue(hook)) this.#own.set(hook, makeChain(hook, list, guard));
  }

  /** The chain of any hook, also of one that a module declared. */
  of<H extends Hook>(hook: H): ChainOf<H> {
    const known: unknown = isOfCatalogue(hook) ? this.chains[hook.name as HookName] : this.#own.get(hook);
    return (known ?? makeChain(hook, [], this.#guard)) as ChainOf<H>;
  }

  /** Every chain that has a handler, for `module hooks`. */
  *[Symbol.iterator](): Generator<{ readonly hook: Hook; readonly placed: readonly Placed[] }> {
    for (const chain of [...Object.values(this.chains), ...this.#own.values()]) {
      if (chain.placed.length > 0) yield { hook: chain.hook, placed: chain.placed };
    }
  }
}
