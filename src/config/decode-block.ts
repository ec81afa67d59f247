/** Decodes stanzas that hold options of their own: those of modules, and those of the core that are no scopes. */
import type { Complaints } from './complaints.js';
import { BlockDraft, innerOf } from './drafts.js';
import { openShape } from './manifest.js';
import { didYouMean } from './near.js';
import { type Block, provenanceOf } from './settings.js';
import type { Assign, Stanza } from './tree.js';

type BlockEntry = Assign | Stanza | { readonly kind: 'skipped' };

/** Reads the entries of a stanza into its draft. `walk` replaces includes; `isUnread` tells whether nothing acts on an option. */
export class BlockDecoder {
  readonly #complaints: Complaints;
  readonly #walk: (stanza: Stanza) => Iterable<BlockEntry>;
  readonly #isUnread: (name: string) => boolean;

  constructor(complaints: Complaints, walk: (stanza: Stanza) => Iterable<BlockEntry>, isUnread: (name: string) => boolean) {
    this.#complaints = complaints;
    this.#walk = walk;
    this.#isUnread = isUnread;
  }

  readInto(draft: BlockDraft, stanza: Stanza): void {
    for (const entry of this.#walk(stanza)) {
      if (entry.kind === 'assign') this.#readAssign(draft, entry);
      else if (entry.kind === 'stanza') this.#readStanza(draft, entry);
    }
  }

  #readAssign(draft: BlockDraft, assign: Assign): void {
    const name = assign.name.text.toLowerCase();
    const option = Object.hasOwn(draft.options, name) ? draft.options[name] : undefined;
    if (option) {
      const setting = this.#complaints.readSetting(assign, name, option, draft.key, this.#isUnread(`${draft.kind}.${name}`));
      if (setting) draft.settings.set(name, setting);
    } else if (Object.hasOwn(draft.shapes, name)) {
      this.#complaints.add(assign.name, {
        name: 'NOT_AN_OPTION',
        say: `"${assign.name.text}" is a stanza.`,
        hint: `Write ${name} "name" { … }.`,
      });
    } else {
      const say = `There is no option "${assign.name.text}" in "${draft.kind}".`;
      this.#complaints.add(assign.name, { name: 'UNKNOWN_OPTION', say, hint: didYouMean(name, Object.keys(draft.options)) });
    }
  }

  #readStanza(draft: BlockDraft, stanza: Stanza): void {
    const kind = stanza.keyword.text.toLowerCase();
    const shape = Object.hasOwn(draft.shapes, kind) ? draft.shapes[kind] : undefined;
    if (shape === undefined) {
      const spelled = stanza.keyword.text;
      this.#complaints.add(
        stanza.keyword,
        Object.hasOwn(draft.options, kind)
          ? { name: 'NOT_A_STANZA', say: `"${spelled}" is an option.`, hint: `Write ${kind} = value.` }
          : {
              name: 'UNKNOWN_STANZA',
              say: `There is no stanza "${spelled}" in "${draft.kind}".`,
              hint: didYouMean(kind, Object.keys(draft.shapes)),
            },
      );
      return;
    }
    const instance = stanza.instance?.text ?? kind;
    const inner = innerOf(draft.drafts, kind);
    let child = inner.get(instance);
    if (!child) {
      child = new BlockDraft(kind, instance, `${draft.key} > ${kind} ${instance}`, stanza.keyword, openShape(shape));
      inner.set(instance, child);
    }
    this.readInto(child, stanza);
  }

  /** The finished stanza: an option that is not set takes what the stanza around it sets, then its default. */
  finish(draft: BlockDraft, around: ReadonlyMap<string, unknown> = new Map()): Block {
    const given = new Map<string, unknown>();
    const options: Record<string, unknown> = {};
    for (const [name, option] of Object.entries(draft.options)) {
      const setting = draft.settings.get(name);
      if (setting) given.set(name, setting.value);
      else if (around.has(name)) given.set(name, around.get(name));
      else if (option.required)
        this.#complaints.add(draft.token, { name: 'REQUIRED', say: `"${draft.kind}" needs the option "${name}".`, hint: option.doc });
      options[name] = given.has(name) ? given.get(name) : option.default;
    }
    const blocks = finishAll(this, draft.drafts, new Map([...around, ...given]));
    return Object.freeze({
      kind: draft.kind,
      instance: draft.instance,
      ...provenanceOf(draft.token),
      declared: draft.options,
      options: Object.freeze(options),
      settings: draft.settings,
      blocks,
    });
  }
}

/** Finishes drafts by kind and name. */
export function finishAll(
  decoder: BlockDecoder,
  drafts: ReadonlyMap<string, ReadonlyMap<string, BlockDraft>>,
  around?: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, ReadonlyMap<string, Block>> {
  const finished = new Map<string, ReadonlyMap<string, Block>>();
  for (const [kind, named] of drafts) finished.set(kind, new Map([...named].map(([name, draft]) => [name, decoder.finish(draft, around)])));
  return finished;
}
