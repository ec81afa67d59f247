/** All words of the configuration: which option and stanza may stand where, and what to say of one that may not. */
import type { Complaint } from './complaints.js';
import { foreignOptions, foreignStanzas, refusedOptions } from './foreign.js';
import { type BlockShapes, type ModuleManifest, moduleOptions, openShape } from './manifest.js';
import { didYouMean } from './near.js';
import type { Option, Options } from './option.js';
import type { Scope } from './scopes.js';
import { type CabinetKind, cabinets, scopeKinds } from './stanzas.js';
import { coreOptions } from './values.js';

export type ScopeKeyword = keyof typeof scopeKinds;

const cabinetKinds: Readonly<Record<string, CabinetKind>> = cabinets;

export const isScopeKeyword = (name: string): name is ScopeKeyword => Object.hasOwn(scopeKinds, name);

/** `a, b or c` */
const either = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

/** What the core, the modules that are built, and the names of those that are not amount to. */
export class Lexicon {
  readonly manifests: ReadonlyMap<string, ModuleManifest>;
  /** Options that modules add to scopes, by name. */
  readonly scoped: ReadonlyMap<string, Option<unknown>>;
  readonly #knownModules: ReadonlySet<string>;

  constructor(manifests: readonly ModuleManifest[], knownModules: readonly string[]) {
    this.manifests = new Map(manifests.map((manifest) => [manifest.name, manifest]));
    this.scoped = new Map(manifests.flatMap(({ scoped = {} }) => Object.entries(scoped)));
    this.#knownModules = new Set(knownModules);
  }

  /** The option of this name that may stand in this scope. */
  optionIn(scope: Scope, name: string): Option<unknown> | undefined {
    const own = this.#coreOption(name);
    if (own?.scopes.includes(scope)) return own;
    const added = this.scoped.get(name);
    return added?.scopes.includes(scope) ? added : undefined;
  }

  cabinet(keyword: string): CabinetKind | undefined {
    return Object.hasOwn(cabinetKinds, keyword) ? cabinetKinds[keyword] : undefined;
  }

  /** Top-level stanzas that modules own beside their own. */
  moduleStanzas(): BlockShapes {
    return Object.assign({}, ...[...this.manifests.values()].map((manifest) => manifest.stanzas ?? {}));
  }

  /** Sub-stanzas that modules put into a scope of the core or another module's stanza. */
  shapesInside(container: string): BlockShapes {
    return Object.assign({}, ...[...this.manifests.values()].map((manifest) => manifest.inside?.[container] ?? {}));
  }

  /** Everything that may stand in a module's stanza. */
  shapeOf(manifest: ModuleManifest): { readonly options: Options; readonly blocks: BlockShapes } {
    const cabinet = openShape(this.cabinet(manifest.name)?.shape ?? {});
    return {
      options: { ...moduleOptions, ...cabinet.options, ...manifest.options },
      blocks: { ...cabinet.blocks, ...manifest.blocks, ...this.shapesInside(manifest.name) },
    };
  }

  /** Why an option may not stand in a scope; `here` describes the scope. */
  refuseOption(scope: Scope, spelled: string, here: string): Complaint {
    const name = spelled.toLowerCase();
    const elsewhere = this.#coreOption(name) ?? this.scoped.get(name);
    if (elsewhere) return wrongScope(spelled, here, elsewhere.scopes);
    const owner = foreignOptions.get(name);
    if (owner !== undefined)
      return { name: 'MODULE_NOT_BUILT', say: `"${spelled}" belongs to the module "${owner}", which is not part of this build.` };
    const refusal = refusedOptions.get(name);
    if (refusal !== undefined) return { name: 'NOT_SUPPORTED', say: `"${spelled}" cannot be set: ${refusal}` };
    if (isScopeKeyword(name) || this.cabinet(name) || this.manifests.has(name)) {
      return { name: 'NOT_AN_OPTION', say: `"${spelled}" is a stanza.`, hint: `Write ${spelled} { … }.` };
    }
    const all = [...Object.keys(coreOptions), ...this.scoped.keys()];
    const hint = didYouMean(
      spelled,
      all.filter((known) => this.optionIn(scope, known)),
    );
    return { name: 'UNKNOWN_OPTION', say: `There is no option "${spelled}" in ${here}.`, hint: hint ?? didYouMean(spelled, all) };
  }

  /** Why a stanza may not stand in a scope. */
  refuseStanza(scope: Scope, spelled: string, here: string): Complaint {
    const keyword = spelled.toLowerCase();
    const owner = this.#knownModules.has(keyword) ? keyword : foreignStanzas.get(keyword);
    if (owner !== undefined && !this.manifests.has(owner)) return this.lackModule(spelled, owner);
    if (isScopeKeyword(keyword)) return wrongScope(spelled, here, scopeKinds[keyword].within);
    if (this.cabinet(keyword) || this.manifests.has(keyword)) return wrongScope(spelled, here, ['global']);
    if (this.optionIn(scope, keyword))
      return { name: 'NOT_A_STANZA', say: `"${spelled}" is an option.`, hint: `Write ${spelled} = value.` };
    const known: string[] = Object.keys(scopeKinds).filter((name) => isScopeKeyword(name) && scopeKinds[name].within.includes(scope));
    if (scope === 'global') known.push(...Object.keys(cabinetKinds), ...this.manifests.keys(), ...this.#knownModules);
    return { name: 'UNKNOWN_STANZA', say: `There is no stanza "${spelled}" in ${here}.`, hint: didYouMean(spelled, known) };
  }

  /** The stanza lives by a module that is not there. */
  lackModule(spelled: string, module: string): Complaint {
    const whose =
      spelled.toLowerCase() === module ? `The module "${module}"` : `The stanza "${spelled}" belongs to the module "${module}", which`;
    return { name: 'MODULE_NOT_BUILT', say: `${whose} is not part of this build.` };
  }

  #coreOption(name: string): Option<unknown> | undefined {
    return Object.hasOwn(coreOptions, name) ? coreOptions[name] : undefined;
  }
}

const wrongScope = (spelled: string, here: string, homes: readonly string[]): Complaint => ({
  name: 'WRONG_SCOPE',
  say: `"${spelled}" may not stand in ${here}.`,
  hint: `It may stand in ${either(homes)}.`,
});
