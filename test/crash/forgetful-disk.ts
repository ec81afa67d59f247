/** A disk in memory that keeps over a cut only what was synced, and of the rest whatever the test wants to see. */
import path from 'node:path';
import type { Disk, DiskFile, OpenMode } from '../../src/kernel/disk.js';

const SECTOR = 512;

/** What becomes at a cut of what was not synced. */
export interface Survival {
  /** Appended octets: none of them, all of them, or any number of them from the front. */
  readonly data: 'none' | 'all' | 'prefix';
  /** The last sector of what survived holds anything. */
  readonly garbage: boolean;
  /** Creations, renames and removals: none, all, the first few, or each by chance. */
  readonly names: 'none' | 'all' | 'prefix' | 'some';
}

/** The process ended, the machine did not: everything is seen, and nothing more than before is on the medium. */
export const KILLED = 'killed';

export const SURVIVALS: readonly Survival[] = [
  { data: 'none', garbage: false, names: 'none' },
  { data: 'all', garbage: false, names: 'all' },
  { data: 'none', garbage: false, names: 'all' },
  { data: 'all', garbage: false, names: 'none' },
  { data: 'prefix', garbage: true, names: 'some' },
  { data: 'all', garbage: true, names: 'prefix' },
  { data: 'prefix', garbage: false, names: 'all' },
];

/** Thrown by every call from the cut on. */
export class Cut extends Error {
  readonly code = 'EIO';
}

/** Numbers in 0..1 that are the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

class Node {
  bytes: Buffer = Buffer.alloc(0);
  length = 0;
  /** What is on the medium. */
  durable: Buffer = Buffer.alloc(0);

  get content(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  append(part: Uint8Array): void {
    const needed = this.length + part.length;
    if (needed > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, 2 * this.bytes.length, 256));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    this.bytes.set(part, this.length);
    this.length = needed;
  }

  replace(octets: Buffer): void {
    this.length = 0;
    this.append(octets);
  }

  sync(): void {
    this.durable = Buffer.from(this.content);
  }
}

interface NameChange {
  readonly folder: string;
  readonly name: string;
  /** Undefined: the name goes. */
  readonly node: Node | undefined;
  /** Changes with the same number happen together (rename). */
  readonly group: number;
}

export interface ForgetfulOptions {
  /** Call with this number and all after it fail. */
  readonly cutAt?: number;
  /** datasync and syncFolder do nothing: a spool on such a disk must be found out. */
  readonly withoutSync?: boolean;
  /** Called before each call with its number and name; may throw to let that call fail. */
  readonly before?: (call: number, kind: string, path: string) => void;
}

export class ForgetfulDisk implements Disk {
  calls = 0;
  readonly #options: ForgetfulOptions;
  #names = new Map<string, Node>();
  #durable = new Map<string, Node>();
  #pending: NameChange[] = [];
  readonly #folders = new Set<string>(['/']);
  #group = 0;

  constructor(options: ForgetfulOptions = {}) {
    this.#options = options;
  }

  /** True when the cut has happened. */
  get isCut(): boolean {
    return this.calls >= (this.#options.cutAt ?? Number.POSITIVE_INFINITY);
  }

  /** The disk as the next start sees it. */
  afterCut(survival: Survival | typeof KILLED, seed: number, options: ForgetfulOptions = {}): ForgetfulDisk {
    const next = new ForgetfulDisk(options);
    for (const folder of this.#folders) next.#folders.add(folder);
    const copies = new Map<Node, Node>();
    const random = seeded(seed);
    const copyOf = (node: Node): Node => {
      let copy = copies.get(node);
      if (!copy) copies.set(node, (copy = survival === KILLED ? cloneNode(node) : surviveNode(node, survival, random)));
      return copy;
    };
    if (survival === KILLED) {
      for (const [name, node] of this.#durable) next.#durable.set(name, copyOf(node));
      for (const [name, node] of this.#names) next.#names.set(name, copyOf(node));
      next.#pending = this.#pending.map((change) => ({ ...change, node: change.node && copyOf(change.node) }));
      next.#group = this.#group;
      return next;
    }
    const names = new Map(this.#durable);
    for (const change of keptChanges(this.#pending, survival, random)) {
      const full = path.join(change.folder, change.name);
      if (change.node) names.set(full, change.node);
      else names.delete(full);
    }
    for (const [name, node] of names) {
      next.#names.set(name, copyOf(node));
      next.#durable.set(name, copyOf(node));
    }
    return next;
  }

  /** Octets of a file as they are seen now. */
  peek(file: string): Buffer {
    const node = this.#names.get(file);
    if (!node) throw missing(file);
    return Buffer.from(node.content);
  }

  /** Replaces a file's octets, on the medium too: for damage. */
  poke(file: string, bytes: Buffer): void {
    const node = new Node();
    node.append(bytes);
    node.sync();
    this.#names.set(file, node);
    this.#durable.set(file, node);
  }

  /** Paths of all files. */
  files(): readonly string[] {
    return [...this.#names.keys()];
  }

  async open(file: string, mode: OpenMode): Promise<DiskFile> {
    this.#count('open', file);
    let node = this.#names.get(file);
    if (node && mode === 'create') throw Object.assign(new Error(`EEXIST: ${file}`), { code: 'EEXIST' });
    if (!node) {
      if (mode === 'read' || mode === 'update') throw missing(file);
      if (!this.#folders.has(path.dirname(file))) throw missing(path.dirname(file));
      node = new Node();
      this.#change([{ file, node }]);
    }
    return new ForgetfulFile(file, node, (kind) => this.#count(kind, file), this.#options.withoutSync !== true);
  }

  async list(folder: string): Promise<readonly string[]> {
    this.#count('list', folder);
    if (!this.#folders.has(folder)) throw missing(folder);
    const inside = folder === '/' ? '/' : `${folder}/`;
    const found = new Set<string>();
    for (const name of [...this.#names.keys(), ...this.#folders])
      if (name.startsWith(inside) && name.length > inside.length) found.add(name.slice(inside.length).split('/')[0] ?? '');
    return [...found];
  }

  /** Durable at once, as it is on the real disk. */
  async makeFolder(folder: string): Promise<void> {
    this.#count('makeFolder', folder);
    for (let at = path.normalize(folder).replace(/(.)\/$/, '$1'); ; at = path.dirname(at)) {
      this.#folders.add(at);
      if (at === '/' || at === '.') return;
    }
  }

  async syncFolder(folder: string): Promise<void> {
    this.#count('syncFolder', folder);
    if (this.#options.withoutSync === true) return;
    const groups = new Set(this.#pending.filter((change) => change.folder === folder).map(({ group }) => group));
    for (const change of this.#pending) {
      if (!groups.has(change.group)) continue;
      const full = path.join(change.folder, change.name);
      if (change.node) this.#durable.set(full, change.node);
      else this.#durable.delete(full);
    }
    this.#pending = this.#pending.filter(({ group }) => !groups.has(group));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#count('rename', from);
    const node = this.#names.get(from);
    if (!node) throw missing(from);
    this.#change([
      { file: from, node: undefined },
      { file: to, node },
    ]);
  }

  async remove(file: string): Promise<void> {
    this.#count('remove', file);
    if (!this.#names.has(file)) throw missing(file);
    this.#change([{ file, node: undefined }]);
  }

  async exists(file: string): Promise<boolean> {
    this.#count('exists', file);
    return this.#names.has(file) || this.#folders.has(file);
  }

  async free(folder: string): Promise<number> {
    this.#count('free', folder);
    return 1 << 30;
  }

  #count(kind: string, file: string): void {
    this.calls++;
    if (this.isCut) throw new Cut(`cut at ${kind} ${file}`);
    this.#options.before?.(this.calls, kind, file);
  }

  #change(changes: readonly { readonly file: string; readonly node: Node | undefined }[]): void {
    const group = this.#group++;
    for (const { file, node } of changes) {
      if (node) this.#names.set(file, node);
      else this.#names.delete(file);
      this.#pending.push({ folder: path.dirname(file), name: path.basename(file), node, group });
    }
  }
}

class ForgetfulFile implements DiskFile {
  readonly path: string;
  readonly #node: Node;
  readonly #count: (kind: string) => void;
  readonly #syncs: boolean;
  #isOpen = true;

  constructor(file: string, node: Node, count: (kind: string) => void, syncs: boolean) {
    this.path = file;
    this.#node = node;
    this.#count = count;
    this.#syncs = syncs;
  }

  async append(buffers: readonly Uint8Array[]): Promise<void> {
    this.appendNow(buffers);
  }

  appendNow(buffers: readonly Uint8Array[]): void {
    // The octets of a call that is cut may be there, or a part of them.
    let total = 0;
    for (const part of buffers) total += part.length;
    const before = this.#node.length;
    for (const part of buffers) this.#node.append(part);
    try {
      this.#begin('append');
    } catch (error) {
      if (!(error instanceof Cut) || total === 0) this.#node.length = before;
      throw error;
    }
  }

  async writeAt(buffers: readonly Uint8Array[], position: number): Promise<void> {
    // As with an append the octets of a call that is cut may be there; those of a call that fails are not.
    const before = Buffer.from(this.#node.content);
    const bytes = Buffer.concat(buffers as Uint8Array[]);
    const end = position + bytes.length;
    if (end > this.#node.length) this.#node.append(Buffer.alloc(end - this.#node.length));
    this.#node.bytes.set(bytes, position);
    try {
      this.#begin('writeAt');
    } catch (error) {
      if (!(error instanceof Cut) || bytes.length === 0) this.#node.replace(before);
      throw error;
    }
  }

  async readAt(into: Uint8Array, position: number): Promise<number> {
    this.#begin('readAt');
    const part = this.#node.content.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }

  async datasync(): Promise<void> {
    this.#begin('datasync');
    if (this.#syncs) this.#node.sync();
  }

  async size(): Promise<number> {
    this.#begin('size');
    return this.#node.length;
  }

  async truncate(size: number): Promise<void> {
    this.#begin('truncate');
    if (size > this.#node.length) this.#node.append(Buffer.alloc(size - this.#node.length));
    this.#node.length = size;
  }

  async close(): Promise<void> {
    this.#begin('close');
    this.#isOpen = false;
  }

  #begin(kind: string): void {
    this.#count(kind);
    if (!this.#isOpen) throw Object.assign(new Error(`EBADF: ${kind} ${this.path} after close`), { code: 'EBADF' });
  }
}

const missing = (file: string): Error => Object.assign(new Error(`ENOENT: ${file}`), { code: 'ENOENT' });

function cloneNode(node: Node): Node {
  const copy = new Node();
  copy.append(node.content);
  copy.durable = node.durable;
  return copy;
}

/** Of what was not synced a part, perhaps with garbage at its end; what was synced always. */
function surviveNode(node: Node, { data, garbage }: Survival, random: () => number): Node {
  const { durable, content } = node;
  const copy = new Node();
  const [from, to] = changedRange(durable, content);
  const kept = data === 'none' ? 0 : data === 'all' ? to - from : Math.floor(random() * (to - from + 1));
  const end = from + kept;
  copy.append(content.subarray(0, end));
  // What was written over is there again behind what survived, unless the file was made shorter and all of that survived.
  if (data !== 'all' || content.length > end) copy.append((data === 'all' ? content : durable).subarray(end));
  if (garbage && kept > 0) {
    const begin = Math.max(from, end - Math.ceil(random() * SECTOR));
    for (let at = begin; at < end; at++) copy.bytes[at] = Math.floor(random() * 256);
  }
  copy.sync();
  return copy;
}

/** Where octets that were not synced begin and end: behind what was synced, or written over it. */
function changedRange(durable: Buffer, content: Buffer): readonly [number, number] {
  let from = 0;
  const shorter = Math.min(durable.length, content.length);
  while (from < shorter && durable[from] === content[from]) from++;
  let to = content.length;
  if (content.length <= durable.length) while (to > from && durable[to - 1] === content[to - 1]) to--;
  return [from, to];
}

function keptChanges(pending: readonly NameChange[], { names }: Survival, random: () => number): readonly NameChange[] {
  if (names === 'all') return pending;
  if (names === 'none') return [];
  const groups = [...new Set(pending.map(({ group }) => group))];
  const kept = new Set(
    names === 'prefix' ? groups.slice(0, Math.floor(random() * (groups.length + 1))) : groups.filter(() => random() < 0.5),
  );
  return pending.filter(({ group }) => kept.has(group));
}
