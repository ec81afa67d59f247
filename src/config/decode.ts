/** Tree and declarations to settings: every mistake of all files at once, or a configuration without one. */
import { Complaints } from './complaints.js';
import { BlockDecoder, finishAll } from './decode-block.js';
import { BlockDraft, innerOf, ScopeDraft } from './drafts.js';
import { type Loaded, walkEntries } from './include.js';
import { type Instance, readInstance } from './instance.js';
import { isScopeKeyword, Lexicon, type ScopeKeyword } from './lexicon.js';
import { type BlockShapes, type ModuleManifest, openShape } from './manifest.js';
import type { ConfigProblem } from './problem.js';
import { type Config, type ModuleInstance, sortProblems } from './settings.js';
import { type Naming, scopeKinds } from './stanzas.js';
import type { Assign, Stanza } from './tree.js';
import { UNREAD } from './unread.generated.js';
import { coreOptions } from './values.js';

/** What may be written beside the core's own options. */
export interface Vocabulary {
  /** Modules that are built. */
  readonly manifests?: readonly ModuleManifest[];
  /** Names of all modules there are or will be; a stanza of one that is not built is an error that names it. */
  readonly knownModules?: readonly string[];
  /** Core options nothing acts on; the list of this build unless another is given. */
  readonly unread?: ReadonlySet<string>;
}

export type Decoded =
  | { readonly ok: true; readonly config: Config; readonly problems: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Decodes what was loaded. With `ok` the problems are notices only. */
export function decode(loaded: Loaded, vocabulary: Vocabulary = {}): Decoded {
  return new Decoder(loaded, vocabulary).decode();
}

class Decoder {
  readonly #loaded: Loaded;
  readonly #lexicon: Lexicon;
  readonly #complaints = new Complaints();
  readonly #blocks: BlockDecoder;
  readonly #unread: ReadonlySet<string>;
  readonly #root = new ScopeDraft('global', { name: '' }, undefined, undefined);
  readonly #cabinets = new Map<string, Map<string, BlockDraft>>();
  readonly #modules = new Map<string, { name: string; draft: BlockDraft }>();
  readonly #moduleStanzas = new Map<string, Map<string, BlockDraft>>();
  readonly #sockets = new Map<string, ScopeDraft>();
  #inLocalChanges = false;

  constructor(loaded: Loaded, { manifests = [], knownModules = [], unread = UNREAD }: Vocabulary) {
    this.#loaded = loaded;
    this.#lexicon = new Lexicon(manifests, knownModules);
    this.#unread = unread;
    this.#blocks = new BlockDecoder(
      this.#complaints,
      (stanza) => walkEntries(loaded, stanza.entries),
      (name) => unread.has(name),
    );
  }

  decode(): Decoded {
    this.#readEntries(this.#root, walkEntries(this.#loaded, this.#loaded.main.tree.entries));
    this.#inLocalChanges = true;
    if (this.#loaded.local) this.#readEntries(this.#root, walkEntries(this.#loaded, this.#loaded.local.entries));
    const config = this.#finish();
    const problems = sortProblems([...this.#loaded.problems, ...this.#complaints.problems], [...this.#loaded.files.keys()]);
    const ok = problems.every((problem) => problem.severity === 'notice');
    return ok ? { ok, config: { ...config, notices: problems }, problems } : { ok, problems };
  }

  #finish(): Config {
    const finishScope = (scope: ScopeDraft): void => {
      for (const [kind, named] of finishAll(this.#blocks, scope.blockDrafts)) scope.blocks.set(kind, named);
      for (const named of scope.children.values()) for (const child of named.values()) finishScope(child);
    };
    finishScope(this.#root);
    const modules = [...this.#modules.values()].map(
      ({ name, draft }): ModuleInstance => Object.freeze({ name, ...this.#blocks.finish(draft) }),
    );
    return {
      loaded: this.#loaded,
      root: this.#root,
      cabinets: finishAll(this.#blocks, this.#cabinets),
      modules: Object.freeze(modules),
      moduleStanzas: finishAll(this.#blocks, this.#moduleStanzas),
      scoped: this.#lexicon.scoped,
      notices: [],
    };
  }

  #readEntries(scope: ScopeDraft, entries: ReturnType<typeof walkEntries>): void {
    for (const entry of entries) {
      if (entry.kind === 'assign') this.#readAssign(scope, entry);
      else if (entry.kind === 'stanza') this.#readStanza(scope, entry);
    }
  }

  #readAssign(scope: ScopeDraft, assign: Assign): void {
    const name = assign.name.text.toLowerCase();
    const option = this.#lexicon.optionIn(scope.kind, name);
    if (!option) {
      this.#complaints.add(assign.name, this.#lexicon.refuseOption(scope.kind, assign.name.text, describeScope(scope)));
      return;
    }
    const unread = this.#unread.has(name) && option === coreOptions[name];
    const setting = this.#complaints.readSetting(assign, name, option, scope.key, unread);
    if (setting) scope.settings.set(name, setting);
  }

  #readStanza(scope: ScopeDraft, stanza: Stanza): void {
    const keyword = stanza.keyword.text.toLowerCase();
    const atTop = scope.kind === 'global';
    const inside = this.#lexicon.shapesInside(scope.kind);
    // The manuals spell some modules with a dash (static-routes).
    const manifest = atTop ? this.#lexicon.manifests.get(keyword.replaceAll('-', '_')) : undefined;
    const cabinet = atTop ? this.#lexicon.cabinet(keyword) : undefined;
    const owned = atTop ? this.#lexicon.moduleStanzas() : {};
    if (isScopeKeyword(keyword) && scopeKinds[keyword].within.includes(scope.kind)) this.#readScope(scope, stanza, keyword);
    else if (Object.hasOwn(inside, keyword)) this.#readBlock(scope.blockDrafts, stanza, keyword, 'perhaps', inside);
    else if (manifest) this.#readModule(manifest, stanza);
    else if (cabinet?.module !== undefined)
      this.#complaints.add(stanza.keyword, this.#lexicon.lackModule(stanza.keyword.text, cabinet.module));
    else if (cabinet) this.#readBlock(this.#cabinets, stanza, keyword, cabinet.naming, { [keyword]: cabinet.shape });
    else if (Object.hasOwn(owned, keyword)) this.#readBlock(this.#moduleStanzas, stanza, keyword, 'perhaps', owned);
    else this.#complaints.add(stanza.keyword, this.#lexicon.refuseStanza(scope.kind, stanza.keyword.text, describeScope(scope)));
  }

  #readScope(scope: ScopeDraft, stanza: Stanza, kind: ScopeKeyword): void {
    const { naming, form, module, refusal } = scopeKinds[kind];
    const { keyword, instance } = stanza;
    if (refusal !== undefined) this.#complaints.add(keyword, { name: 'NOT_SUPPORTED', say: refusal });
    else if (module !== undefined && !this.#lexicon.manifests.has(module))
      this.#complaints.add(keyword, this.#lexicon.lackModule(keyword.text, module));
    else if (this.#checkNaming(stanza, naming)) {
      const read: Instance | undefined = instance
        ? this.#complaints.attempt(
            () => readInstance(instance, form, scope.kind),
            'BAD_INSTANCE',
            () => instance,
          )
        : { name: '' };
      const child = read ? this.#openScope(scope, stanza, kind, read) : new ScopeDraft(kind, { name: '' }, undefined, scope);
      this.#readEntries(child, walkEntries(this.#loaded, stanza.entries));
    }
  }

  #openScope(scope: ScopeDraft, stanza: Stanza, kind: ScopeKeyword, read: Instance): ScopeDraft {
    const named = innerOf(scope.children, kind);
    const known = named.get(read.name);
    if (known) return known;
    const child = new ScopeDraft(kind, read, { token: stanza.keyword, written: stanza.instance?.text ?? '' }, scope);
    named.set(read.name, child);
    if (read.pattern && !/^\^|\$$/.test(read.pattern.source)) {
      const say = `The pattern ${read.name} matches anywhere in the name.`;
      this.#complaints.add(stanza.instance ?? stanza.keyword, {
        name: 'LOOSE_PATTERN',
        say,
        hint: 'Use ^ and $ to match whole names.',
        severity: 'notice',
      });
    }
    if (kind === 'listen') this.#claimSocket(child, stanza);
    return child;
  }

  /** One socket, one stanza; port 0 is a new socket every time. */
  #claimSocket(listen: ScopeDraft, stanza: Stanza): void {
    const other = this.#sockets.get(listen.instance);
    if (listen.address?.kind === 'tcp' && listen.address.port === 0) return;
    this.#sockets.set(listen.instance, other ?? listen);
    if (!other) return;
    const say = `"${listen.instance}" is already the socket of ${describeScope(other.parent ?? other)} (line ${other.line} of ${other.file}).`;
    this.#complaints.add(stanza.instance ?? stanza.keyword, { name: 'SAME_SOCKET', say });
  }

  /** False, and a problem, when a name is missing or not wanted. */
  #checkNaming({ instance, keyword }: Stanza, naming: Naming): boolean {
    if (naming === 'always' && !instance) {
      this.#complaints.add(keyword, {
        name: 'BAD_INSTANCE',
        say: `"${keyword.text}" needs a name.`,
        hint: `Write ${keyword.text} "name" { … }.`,
      });
      return false;
    }
    if (naming !== 'never' || !instance) return true;
    this.#complaints.add(instance, { name: 'BAD_INSTANCE', say: `"${keyword.text}" has no name.`, hint: `Write ${keyword.text} { … }.` });
    return false;
  }

  #readBlock(into: Map<string, Map<string, BlockDraft>>, stanza: Stanza, keyword: string, naming: Naming, shapes: BlockShapes): void {
    const shape = shapes[keyword];
    if (!shape || !this.#checkNaming(stanza, naming)) return;
    const instance = stanza.instance?.text ?? keyword;
    const named = innerOf(into, keyword);
    const key = stanza.instance ? `${keyword} ${instance}` : keyword;
    const draft = named.get(instance) ?? new BlockDraft(keyword, instance, key, stanza.keyword, openShape(shape));
    named.set(instance, draft);
    this.#blocks.readInto(draft, stanza);
  }

  #readModule(manifest: ModuleManifest, stanza: Stanza): void {
    const { name } = manifest;
    const instance = stanza.instance?.text ?? name;
    const key = `${name} ${instance}`;
    const known = this.#modules.get(key);
    const first = [...this.#modules.values()].find((module) => module.name === name);
    const rival = manifest.singleton ? first : stanza.instance ? undefined : known;
    if (rival && !(this.#inLocalChanges && rival === known)) {
      const where = `line ${rival.draft.token.at.line} of ${rival.draft.token.at.source.path}`;
      this.#complaints.add(
        stanza.keyword,
        manifest.singleton
          ? { name: 'TWO_SINGLETONS', say: `The module "${name}" can be configured once only; it already stands in ${where}.` }
          : {
              name: 'SAME_NAME',
              say: `Another "${name}" without a name stands in ${where}.`,
              hint: `Give it a name: ${name} "name" { … }.`,
            },
      );
    }
    const draft = known?.draft ?? new BlockDraft(name, instance, key, stanza.keyword, this.#lexicon.shapeOf(manifest));
    this.#modules.set(key, known ?? { name, draft });
    this.#blocks.readInto(draft, stanza);
  }
}

/** The scope for people: `global scope`, or its keyword and name. */
function describeScope(scope: ScopeDraft): string {
  if (scope.kind === 'global') return 'global scope';
  return scope.written === '' ? `"${scope.kind}"` : `${scope.kind} "${scope.written}"`;
}
