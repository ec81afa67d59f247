/** Reads a configuration file and all that it includes. */
import { posix } from 'node:path';
import { parseSource } from './parse.js';
import { type ConfigProblem, type ProblemName, problemAt } from './problem.js';
import type { Reader } from './reader.js';
import { Source, type Spot } from './source.js';
import type { Entry, Include, Token, Tree } from './tree.js';

const MAX_DEPTH = 16;
/** Inclusions in all, each counted as often as it is reached: a few files can include each other without end. */
const MAX_INCLUSIONS = 10_000;

/** One file that was read. */
export interface LoadedFile {
  readonly path: string;
  readonly tree: Tree;
  /** Why the console may not write into it; undefined when it may. */
  readonly frozen: string | undefined;
}

/** A configuration as text: all files, and what each include stands for. */
export interface Loaded {
  readonly main: LoadedFile;
  /** All files by path, the main one first, in the order they were met. */
  readonly files: ReadonlyMap<string, LoadedFile>;
  /** The trees an include stands for, in order. */
  readonly included: ReadonlyMap<Include, readonly Tree[]>;
  /** The path of local_changes_file when one is named, whether it exists or not. */
  readonly localPath: string | undefined;
  /** Its tree: parsed after everything else. */
  readonly local: Tree | undefined;
  readonly problems: readonly ConfigProblem[];
}

export interface LoadOptions {
  /** Folders a relative path is looked for in, after the folder of the file that includes it. */
  readonly searchPath?: readonly string[];
}

/** Reads `path` and everything it includes. Mistakes are in `problems`; what could be read is there all the same. */
export async function load(path: string, reader: Reader, options: LoadOptions = {}): Promise<Loaded> {
  return new Loader(reader, options.searchPath ?? []).load(posix.normalize(path));
}

/** The folders of a search path such as `etc:etc/conf/{NODENAME}`, made absolute under `base`. */
export function splitSearchPath(text: string, base: string, nodeName: string): readonly string[] {
  const folders = text.split(':').map((folder) => folder.trim().replaceAll('{NODENAME}', nodeName));
  return folders.filter((folder) => folder !== '').map((folder) => posix.resolve(base, folder));
}

/** The texts of all files by path: what another process needs to read the same configuration (with `readerOf`). */
export function textsOf(loaded: Loaded): ReadonlyMap<string, string> {
  return new Map([...loaded.files].map(([path, { tree }]) => [path, tree.source.text]));
}

/** Every entry in the order it counts, includes replaced by what they stand for. */
export function* walkEntries(loaded: Loaded, entries: readonly Entry[]): IterableIterator<Exclude<Entry, Include>> {
  for (const entry of entries) {
    if (entry.kind !== 'include') yield entry;
    else for (const tree of loaded.included.get(entry) ?? []) yield* walkEntries(loaded, tree.entries);
  }
}

/** How deep the includes of a file go, and how many inclusions it stands for. */
interface Weight {
  readonly depth: number;
  readonly count: number;
}

class Loader {
  readonly #reader: Reader;
  readonly #searchPath: readonly string[];
  readonly #problems: ConfigProblem[] = [];
  readonly #texts = new Map<string, string | Error | undefined>();
  readonly #files = new Map<string, { path: string; tree: Tree; frozen: string | undefined }>();
  readonly #included = new Map<Include, Tree[]>();
  readonly #weights = new Map<Tree, Weight>();
  #inclusions = 0;

  constructor(reader: Reader, searchPath: readonly string[]) {
    this.#reader = reader;
    this.#searchPath = searchPath;
  }

  async load(path: string): Promise<Loaded> {
    const start: Spot = { source: new Source(path, ''), line: 1, column: 1 };
    const tree = await this.#readTree(path, start, 0);
    if (tree) await this.#expand(tree, [path]);
    const main = this.#files.get(path) ?? { path, tree: parseSource(start.source).tree, frozen: undefined };
    const loaded = { main, files: this.#files, included: this.#included, localPath: undefined, local: undefined, problems: this.#problems };
    const named = findLocalChanges(loaded);
    if (named === undefined) return loaded;
    const localPath = posix.isAbsolute(named.text) ? posix.normalize(named.text) : posix.join(posix.dirname(path), named.text);
    if ((await this.#readText(localPath)) === undefined) return { ...loaded, localPath };
    const local = await this.#readTree(localPath, named.at, named.raw.length);
    if (local) await this.#expand(local, [localPath]);
    return { ...loaded, localPath, local };
  }

  /** The text, what went wrong, or undefined when there is no such file. Each path is read once. */
  async #readText(path: string): Promise<string | Error | undefined> {
    if (this.#texts.has(path)) return this.#texts.get(path);
    let text: string | Error | undefined;
    try {
      text = await this.#reader.read(path);
    } catch (error) {
      text = error instanceof Error ? error : new Error(String(error));
    }
    this.#texts.set(path, text);
    return text;
  }

  /** The tree of a file, parsed once; without one, a problem at `from`. */
  async #readTree(path: string, from: Spot, width: number): Promise<Tree | undefined> {
    const known = this.#files.get(path);
    if (known) {
      known.frozen ??= 'it is included more than once';
      return known.tree;
    }
    const text = await this.#readText(path);
    if (typeof text !== 'string') {
      const [name, say]: [ProblemName, string] = text
        ? ['INCLUDE_UNREADABLE', `${path} cannot be read: ${text.message}.`]
        : ['INCLUDE_MISSING', `There is no file ${path}.`];
      this.#problems.push(problemAt(name, from, say, { width }));
      return undefined;
    }
    const { tree, problems } = parseSource(new Source(path, text));
    for (const problem of problems) this.#problems.push(problem);
    this.#files.set(path, { path, tree, frozen: undefined });
    return tree;
  }

  /** Follows the includes of a tree; a tree that was followed before is only weighed. */
  async #expand(tree: Tree, chain: readonly string[]): Promise<Weight> {
    const known = this.#weights.get(tree);
    if (known) return known;
    let depth = 1;
    let count = 1;
    for (const include of includesOf(tree.entries)) {
      const trees: Tree[] = [];
      this.#included.set(include, trees);
      for (const path of await this.#find(include, chain)) {
        if (chain.includes(path)) {
          this.#complain(
            'INCLUDE_LOOP',
            include.path,
            `${path} includes itself: ${[...chain.slice(chain.indexOf(path)), path].join(' > ')}.`,
          );
          continue;
        }
        const found = await this.#readTree(path, include.path.at, include.path.raw.length);
        if (!found) continue;
        if (include.readonly) this.#freeze(path);
        if (!this.#mayInclude(include, chain.length, this.#weights.get(found))) continue;
        trees.push(found);
        const weight = await this.#expand(found, [...chain, path]);
        depth = Math.max(depth, weight.depth + 1);
        count += weight.count;
      }
    }
    const weight = { depth, count };
    this.#weights.set(tree, weight);
    return weight;
  }

  #freeze(path: string): void {
    const file = this.#files.get(path);
    if (file) file.frozen = 'it is included by readonly_include';
  }

  #mayInclude(include: Include, above: number, weight: Weight = { depth: 1, count: 1 }): boolean {
    this.#inclusions += weight.count;
    const tooDeep = above + weight.depth > MAX_DEPTH + 1;
    if (tooDeep) this.#complain('INCLUDE_DEPTH', include.path, `Includes are nested deeper than ${MAX_DEPTH}.`);
    else if (this.#inclusions > MAX_INCLUSIONS)
      this.#complain('INCLUDE_DEPTH', include.path, `There are more than ${MAX_INCLUSIONS} inclusions.`);
    return !tooDeep && this.#inclusions <= MAX_INCLUSIONS;
  }

  /** The paths an include stands for: one file, or the visible files of a folder. None when nothing was found. */
  async #find(include: Include, chain: readonly string[]): Promise<readonly string[]> {
    const { text } = include.path;
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
    if (scheme !== undefined && scheme !== 'file') {
      this.#complain(
        'INCLUDE_SCHEME',
        include.path,
        `Files of the scheme ${scheme}:// cannot be included.`,
        'Only paths and file:// are possible.',
      );
      return [];
    }
    const path = scheme === 'file' ? text.slice('file://'.length) : text;
    const folders = posix.isAbsolute(path) ? [''] : [posix.dirname(chain.at(-1) ?? ''), ...this.#searchPath];
    const candidates = [...new Set(folders.map((folder) => posix.normalize(posix.join(folder, path))))];
    for (const candidate of path === '' ? [] : candidates) {
      const names = await this.#list(candidate);
      if (names) return this.#filesIn(candidate, names);
      if ((await this.#readText(candidate)) !== undefined) return [candidate];
    }
    this.#complain(
      'INCLUDE_MISSING',
      include.path,
      path === '' ? 'The path is empty.' : `"${text}" was not found.`,
      path === '' ? undefined : `Looked for ${candidates.join(', ')}.`,
    );
    return [];
  }

  /** The names in a folder; undefined for everything that is none or cannot be listed (reading it then tells why). */
  async #list(folder: string): Promise<readonly string[] | undefined> {
    try {
      return await this.#reader.list(folder);
    } catch (error) {
      this.#texts.set(folder, error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }

  async #filesIn(folder: string, names: readonly string[]): Promise<readonly string[]> {
    const visible = names.filter((name) => !name.startsWith('.')).sort((a, b) => (a < b ? -1 : 1));
    const paths: string[] = [];
    for (const name of visible) {
      const path = posix.join(folder, name);
      if ((await this.#list(path)) === undefined) paths.push(path);
    }
    return paths;
  }

  #complain(name: ProblemName, at: Token, say: string, hint?: string): void {
    this.#problems.push(problemAt(name, at.at, say, { hint, width: at.raw.length }));
  }
}

function* includesOf(entries: readonly Entry[]): IterableIterator<Include> {
  for (const entry of entries) {
    if (entry.kind === 'include') yield entry;
    else if (entry.kind === 'stanza') yield* includesOf(entry.entries);
  }
}

/** The value of the last global local_changes_file. */
function findLocalChanges(loaded: Loaded): Token | undefined {
  let found: Token | undefined;
  for (const entry of walkEntries(loaded, loaded.main.tree.entries)) {
    if (entry.kind !== 'assign' || entry.name.text.toLowerCase() !== 'local_changes_file') continue;
    if (entry.value.kind !== 'list' && entry.value.kind !== 'dict') found = entry.value;
  }
  return found;
}
