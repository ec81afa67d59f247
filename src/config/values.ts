/** The types of the core's values in each kind of scope, and the objects that carry them. */
import { type Core, core } from './core/index.js';
import type { Option, Options, ValueOf } from './option.js';
import type { Chain } from './scope.js';
import type { InboundScope, OutboundScope, Scope } from './scopes.js';
import type { Setting } from './settings.js';

/** The values of those options that may stand in one of the scopes `S`. */
export type ValuesIn<O extends Options, S extends Scope> = {
  readonly [K in keyof O as O[K] extends Option<infer _, infer Own> ? ([Own & S] extends [never] ? never : K) : never]: ValueOf<O[K]>;
};

/** All options that may be set globally. */
export type GlobalValues = ValuesIn<Core, 'global'>;
/** What holds for a place of sending: binding group, binding, domain. */
export type OutboundValues = ValuesIn<Core, OutboundScope>;
/** What holds for a client of a listener. */
export type InboundValues = ValuesIn<Core, InboundScope>;
/** Limits of one host; -1 = none. */
export type HostValues = ValuesIn<Core, 'host'>;

/** Names and defaults of the options that may stand in one of these scopes. */
export type Defaults = readonly (readonly [name: string, value: unknown])[];

export function defaultsIn(options: Options, scopes: readonly Scope[]): Defaults {
  return Object.entries(options)
    .filter(([, option]) => option.scopes.some((scope) => scopes.includes(scope)))
    .map(([name, option]) => [name, option.default] as const);
}

export const coreOptions: Options = core;

/** The setting that counts for each option along a chain. */
export function overlay(chain: Chain): ReadonlyMap<string, Setting> {
  const settings = new Map<string, Setting>();
  for (let i = chain.length - 1; i >= 0; i--) for (const [name, setting] of chain[i]?.settings ?? []) settings.set(name, setting);
  return settings;
}

/** A frozen object with one value an option. Made by fromEntries, which leaves it with a fast layout shared by all of its kind. */
export function makeValues(defaults: Defaults, settings: ReadonlyMap<string, Setting>): Readonly<Record<string, unknown>> {
  return Object.freeze(
    Object.fromEntries(
      defaults.map(([name, value]) => {
        const setting = settings.get(name);
        return [name, setting ? setting.value : value];
      }),
    ),
  );
}
