/** What decoding gives: scopes with their settings, stanzas and modules with their values. */
import type { Cidr } from '../kernel/cidr.js';
import type { Loaded } from './include.js';
import type { Option, Options } from './option.js';
import type { ConfigProblem } from './problem.js';
import type { Scope } from './scopes.js';
import type { SocketAddress } from './socket-address.js';
import type { Assign, Token } from './tree.js';

/** Where something is written. */
export interface Provenance {
  readonly file: string;
  readonly line: number;
}

/** One option, set. */
export interface Setting extends Provenance {
  /** The option's name as it is declared. */
  readonly name: string;
  readonly option: Option<unknown>;
  readonly value: unknown;
  /** Stable name of the scope that holds it: what a shared counter is called by. */
  readonly scopeKey: string;
  readonly column: number;
  readonly node: Assign;
}

/** A scope: the file itself, or a stanza in which options fall back to wider scopes. */
export interface ScopeNode extends Provenance {
  readonly kind: Scope;
  /** The name in its one spelling; '' for global and for listeners without a name. */
  readonly instance: string;
  /** The name as first written. */
  readonly written: string;
  /** `global`, `binding_group tenants`, `binding_group tenants > binding acme` … */
  readonly key: string;
  readonly parent: ScopeNode | undefined;
  readonly pattern: RegExp | undefined;
  readonly network: Cidr | undefined;
  readonly address: SocketAddress | undefined;
  readonly settings: ReadonlyMap<string, Setting>;
  readonly children: ReadonlyMap<Scope, ReadonlyMap<string, ScopeNode>>;
  /** Stanzas that modules put into this scope: by keyword, then by name. */
  readonly blocks: ReadonlyMap<string, ReadonlyMap<string, Block>>;
}

/** A stanza with options of its own: a module's, one within it, or one of the core that is no scope. */
export interface Block extends Provenance {
  readonly kind: string;
  /** Its name; the keyword where none is written. */
  readonly instance: string;
  /** What may stand in it. */
  readonly declared: Options;
  /** Values of all its options, frozen. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The options that are written here. */
  readonly settings: ReadonlyMap<string, Setting>;
  readonly blocks: ReadonlyMap<string, ReadonlyMap<string, Block>>;
}

/** A configured module. */
export interface ModuleInstance extends Block {
  /** The module's name. */
  readonly name: string;
}

/** A configuration without a mistake. */
export interface Config {
  readonly loaded: Loaded;
  readonly root: ScopeNode;
  /** Stanzas of the core that are no scopes, by keyword and name. */
  readonly cabinets: ReadonlyMap<string, ReadonlyMap<string, Block>>;
  /** Modules in the order of the files. */
  readonly modules: readonly ModuleInstance[];
  /** Top-level stanzas that modules own, by keyword and name. */
  readonly moduleStanzas: ReadonlyMap<string, ReadonlyMap<string, Block>>;
  /** Options that modules add to scopes, by name. */
  readonly scoped: ReadonlyMap<string, Option<unknown>>;
  /** Remarks that refuse nothing. */
  readonly notices: readonly ConfigProblem[];
}

export const provenanceOf = (token: Token): Provenance => ({ file: token.at.source.path, line: token.at.line });

/** Order of problems: by file as met, then by place. */
export function sortProblems(problems: readonly ConfigProblem[], files: readonly string[]): readonly ConfigProblem[] {
  const rank = new Map(files.map((file, i) => [file, i]));
  return [...problems].sort((a, b) => (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) || a.line - b.line || a.column - b.column);
}
