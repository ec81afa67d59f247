/** Which module instances a snapshot asks for, with their decoded options. */
import type { Block, ModuleInstance, ScopeNode } from '../config/settings.js';
import type { Snapshot } from '../config/snapshot.js';
import type { OptionValues } from '../module/lends.js';
import type { Manifest } from '../module/manifest.js';
import type { Plan } from '../module/plan.js';
import { FAIL_CLOSED, reject, type Verdict } from '../module/verdict.js';

type Named = ReadonlyMap<string, ReadonlyMap<string, Block>>;

const valuesOf = (blocks: Named): ReadonlyMap<string, ReadonlyMap<string, OptionValues>> =>
  new Map([...blocks].map(([kind, byName]) => [kind, new Map([...byName].map(([name, block]) => [name, block.options]))]));

const onErrorOf = (word: unknown): Verdict =>
  word === 'continue' ? undefined : word === 'reject' ? reject('550 5.7.1 refused by policy') : FAIL_CLOSED;

/** Plans in file order; modules that load by themselves and are used come first. */
export function makePlans(snapshot: Snapshot, manifests: readonly Manifest[]): readonly Plan[] {
  const stanzas = snapshot.modules();
  const written = stanzas.flatMap((stanza) => {
    const manifest = manifests.find(({ name }) => name === stanza.name);
    return manifest ? [planOf(snapshot, manifest, stanza)] : [];
  });
  const named = new Set(stanzas.map(({ name }) => name));
  const used = usedNames(snapshot.config.root);
  const needed = new Set(written.flatMap(({ manifest }) => manifest.needs ?? []));
  const automatic = manifests.filter(
    (manifest) =>
      manifest.autoload &&
      !named.has(manifest.name) &&
      (needed.has(manifest.name) || Object.keys(manifest.scoped ?? {}).some((option) => used.has(option))),
  );
  return [...automatic.map((manifest) => planOf(snapshot, manifest, undefined)), ...written];
}

function planOf(snapshot: Snapshot, manifest: Manifest, stanza: ModuleInstance | undefined): Plan {
  const options: OptionValues = stanza?.options ?? defaultsOf(manifest);
  const own: Named = new Map(Object.keys(manifest.stanzas ?? {}).map((kind) => [kind, snapshot.moduleStanzas(kind)]));
  return {
    manifest,
    instance: stanza?.instance ?? manifest.name,
    options,
    blocks: valuesOf(stanza?.blocks ?? new Map()),
    stanzas: valuesOf(own),
    passive: options.enabled === false,
    onError: onErrorOf(options.on_error),
    timeoutSeconds: typeof options.timeout === 'number' ? options.timeout : 30,
    file: stanza?.file ?? '',
    line: stanza?.line ?? 0,
  };
}

const defaultsOf = (manifest: Manifest): OptionValues =>
  Object.fromEntries(Object.entries(manifest.options).map(([name, option]) => [name, option.default]));

/** Names of all options that are set anywhere. */
export function usedNames(scope: ScopeNode, into = new Set<string>()): ReadonlySet<string> {
  for (const name of scope.settings.keys()) into.add(name);
  for (const byName of scope.children.values()) for (const child of byName.values()) usedNames(child, into);
  return into;
}
