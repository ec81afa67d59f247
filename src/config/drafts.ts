/** Scopes and stanzas while they are being decoded: the same stanza may go on in another file. */

import type { Instance } from './instance.js';
import type { BlockShapes } from './manifest.js';
import type { Options } from './option.js';
import type { Scope } from './scopes.js';
import { type Block, provenanceOf, type ScopeNode, type Setting } from './settings.js';
import type { Token } from './tree.js';

/** A scope that can still grow. */
export class ScopeDraft implements ScopeNode {
  readonly kind: Scope;
  readonly instance: string;
  readonly written: string;
  readonly key: string;
  readonly parent: ScopeDraft | undefined;
  readonly pattern: RegExp | undefined;
  readonly network: Instance['network'] | undefined;
  readonly address: Instance['address'] | undefined;
  readonly file: string;
  readonly line: number;
  readonly settings = new Map<string, Setting>();
  readonly children = new Map<Scope, Map<string, ScopeDraft>>();
  readonly blockDrafts = new Map<string, Map<string, BlockDraft>>();
  readonly blocks = new Map<string, ReadonlyMap<string, Block>>();

  constructor(kind: Scope, read: Instance, at: { token: Token; written: string } | undefined, parent: ScopeDraft | undefined) {
    this.kind = kind;
    this.instance = read.name;
    this.written = at?.written ?? '';
    const own = read.name === '' ? kind : `${kind} ${read.name}`;
    this.key = parent === undefined || parent.kind === 'global' ? own : `${parent.key} > ${own}`;
    this.parent = parent;
    this.pattern = read.pattern;
    this.network = read.network;
    this.address = read.address;
    const from = at ? provenanceOf(at.token) : { file: '', line: 0 };
    this.file = from.file;
    this.line = from.line;
  }
}

/** A stanza that can still grow. */
export class BlockDraft {
  readonly kind: string;
  readonly instance: string;
  readonly key: string;
  readonly token: Token;
  readonly options: Options;
  readonly shapes: BlockShapes;
  readonly settings = new Map<string, Setting>();
  readonly drafts = new Map<string, Map<string, BlockDraft>>();

  constructor(kind: string, instance: string, key: string, token: Token, shape: { options: Options; blocks: BlockShapes }) {
    this.kind = kind;
    this.instance = instance;
    this.key = key;
    this.token = token;
    this.options = shape.options;
    this.shapes = shape.blocks;
  }
}

/** The inner map of `kind`, made when it is new. */
export function innerOf<K, I, V>(map: Map<K, Map<I, V>>, key: K): Map<I, V> {
  let inner = map.get(key);
  if (!inner) map.set(key, (inner = new Map()));
  return inner;
}
