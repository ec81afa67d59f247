/** The shape of a module as the language sees it: what may be written in its name. */
import { opt } from './opt.js';
import type { Option, Options, Values } from './option.js';
import type { GlobalValues } from './snapshot.js';

/** Options of a kind of sub-stanza, alone or with sub-stanzas of their own. */
export type BlockShape = Options | { readonly options: Options; readonly blocks?: BlockShapes };
export type BlockShapes = Readonly<Record<string, BlockShape>>;

/** What a module says about its configuration. The module room's manifest is one of these. */
export interface ModuleManifest {
  readonly name: string;
  /** At most one stanza of this module. */
  readonly singleton?: boolean;
  readonly options: Options;
  /** Sub-stanzas of its own stanza. */
  readonly blocks?: BlockShapes | undefined;
  /** Options it adds to scopes of the core, each with its `scopes`. */
  readonly scoped?: Options | undefined;
  /** Top-level stanzas it owns beside its own. */
  readonly stanzas?: BlockShapes | undefined;
  /** Sub-stanzas it puts into another module's stanza, or into a scope of the core, by the name of that. */
  readonly inside?: Readonly<Record<string, BlockShapes>> | undefined;
  /** Schemes of `uri` under which it checks log-ins. */
  readonly offers?: { readonly auth?: readonly string[] };
  /** What cannot be said option by option. */
  check?(own: never, core: GlobalValues, stanzas: readonly string[]): readonly ManifestObjection[];
  /** The same for its options in scopes of the core: asked with what is written in a scope that sets one of them, and around it. */
  checkScope?(written: never, core: (option: string) => unknown): readonly ManifestObjection[];
}

/** What a module has against its configuration: one sentence, and the option it is about. */
export interface ManifestObjection {
  readonly option?: string;
  readonly say: string;
  readonly level?: 'error' | 'warning';
}

/** What every module stanza may hold beside the module's own options. */
export const moduleOptions = {
  enabled: opt.bool({ doc: 'false loads the module passively: it can be called, but acts on nothing by itself.', default: true }),
  debug_level: opt.choice(
    'critical',
    'error',
    'warning',
    'notice',
    'info',
    'debug',
  )({ doc: 'From which level on the module logs.', default: 'error' }),
  on_error: opt.choice(
    'tempfail',
    'continue',
    'reject',
  )({ doc: 'What a failure of the module does to the mail at hand.', default: 'tempfail', origin: 'ours' }),
  timeout: opt.seconds({ doc: 'How long one call of the module may take.', default: 30, min: 1, origin: 'ours' }),
};

export type ModuleOptionValues = Values<typeof moduleOptions>;

/** The parts of a shape, whichever way it was written. */
export function openShape(shape: BlockShape): { readonly options: Options; readonly blocks: BlockShapes } {
  const inner = (shape as { options?: Options | Option<unknown> }).options;
  if (inner === undefined || typeof (inner as Option<unknown>).parse === 'function') return { options: shape as Options, blocks: {} };
  return { options: inner as Options, blocks: (shape as { blocks?: BlockShapes }).blocks ?? {} };
}
