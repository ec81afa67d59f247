/** What a new snapshot changes, and what of it only counts after a restart. */
import { printSetting } from './print-setting.js';
import type { Block, ScopeNode, Setting } from './settings.js';
import type { Snapshot } from './snapshot.js';

/** One option that is set otherwise than before, or one stanza that came or went. */
export interface Change {
  /** Stable name of the scope or stanza. */
  readonly scopeKey: string;
  /** Undefined: the stanza itself. */
  readonly option: string | undefined;
  /** As spelled in the file; undefined where it does not stand. A stanza is spelled `{ }`. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** True when the running daemon cannot take it over. */
  readonly needsRestart: boolean;
}

type Settings = ReadonlyMap<string, Setting>;
const NONE: Settings = new Map();

/** The changes from one snapshot to another, in the order of the new one, then what is gone. */
export function diff(old: Snapshot, young: Snapshot): readonly Change[] {
  const before = gather(old);
  const after = gather(young);
  const changes: Change[] = [];
  for (const scopeKey of new Set([...after.keys(), ...before.keys()])) {
    const [was, is] = [before.get(scopeKey), after.get(scopeKey)];
    if (!was || !is) changes.push({ scopeKey, option: undefined, before: was && '{ }', after: is && '{ }', needsRestart: false });
    changes.push(...compare(scopeKey, was ?? NONE, is ?? NONE));
  }
  return changes;
}

function* compare(scopeKey: string, was: Settings, is: Settings): IterableIterator<Change> {
  for (const option of new Set([...is.keys(), ...was.keys()])) {
    const [from, to] = [was.get(option), is.get(option)];
    const [before, after] = [from && printSetting(from), to && printSetting(to)];
    if (!from || !to || spell(from) !== spell(to)) {
      yield { scopeKey, option, before, after, needsRestart: (to ?? from)?.option.reload === 'restart' };
    }
  }
}

/** One text for every value; of a secret the secret itself. */
const spell = ({ option, value }: Setting): string => (option.hidden ? String(value) : option.print(value));

/** All settings by the stable name of their scope or stanza. */
function gather(snapshot: Snapshot): ReadonlyMap<string, Settings> {
  const all = new Map<string, Settings>();
  const addBlock = (block: Block, prefix: string): void => {
    const key = `${prefix}${block.kind} ${block.instance}`;
    all.set(key, block.settings);
    addBlocks(block.blocks, `${key} > `);
  };
  const addBlocks = (kinds: ReadonlyMap<string, ReadonlyMap<string, Block>>, prefix: string): void => {
    for (const named of kinds.values()) for (const block of named.values()) addBlock(block, prefix);
  };
  const addScope = (scope: ScopeNode): void => {
    all.set(scope.key, scope.settings);
    addBlocks(scope.blocks, `${scope.key} > `);
    for (const named of scope.children.values()) for (const child of named.values()) addScope(child);
  };
  addScope(snapshot.config.root);
  addBlocks(snapshot.config.cabinets, '');
  addBlocks(snapshot.config.moduleStanzas, '');
  for (const module of snapshot.modules()) addBlock(module, '');
  return all;
}
