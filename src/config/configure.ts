/** From a path to a snapshot, or to all problems: the whole way in one call. */
import { checkAuthStores } from './auth-stores.js';
import { decode, type Vocabulary } from './decode.js';
import { checkGateways } from './gateways.js';
import { type Loaded, type LoadOptions, load } from './include.js';
import type { ModuleManifest } from './manifest.js';
import { type ConfigProblem, problemAt } from './problem.js';
import { type Reader, readerOf } from './reader.js';
import type { ModuleInstance, ScopeNode, Setting } from './settings.js';
import { Snapshot } from './snapshot.js';
import { Source } from './source.js';

export type Configured =
  | { readonly ok: true; readonly snapshot: Snapshot; readonly problems: readonly ConfigProblem[]; readonly loaded: Loaded }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly loaded: Loaded };

export type ConfigureOptions = Vocabulary & LoadOptions & { readonly number?: number };

/** Reads, decodes, checks and freezes. With `ok` the problems are notices only. */
export async function configure(path: string, reader: Reader, options: ConfigureOptions = {}): Promise<Configured> {
  return configureLoaded(await load(path, reader, options), options);
}

/** The same for a text at hand: `const { snapshot } = await configureText('ESMTP_Listener { … }')`. */
export function configureText(text: string, options: ConfigureOptions = {}): Promise<Configured> {
  return configure('/text.conf', readerOf({ '/text.conf': text }), options);
}

/** The same for texts that were loaded before. */
export function configureLoaded(loaded: Loaded, options: ConfigureOptions = {}): Configured {
  const decoded = decode(loaded, options);
  if (!decoded.ok) return { ok: false, problems: decoded.problems, loaded };
  const snapshot = new Snapshot(decoded.config, options.number ?? 1);
  const conflicts = [
    ...checkCore(snapshot),
    ...checkDescriptors(snapshot),
    ...checkGateways(snapshot.config.root),
    ...checkAuthStores(snapshot.config.root, options.manifests ?? [], new Set(snapshot.modules().map(({ name }) => name))),
    ...checkModules(snapshot, options.manifests ?? []),
    ...checkScopes(snapshot.config.root, options.manifests ?? []),
  ];
  const problems = [...decoded.problems, ...conflicts];
  return conflicts.some((problem) => problem.severity === 'error')
    ? { ok: false, problems, loaded }
    : { ok: true, snapshot, problems, loaded };
}

/** Settings of the core that contradict each other. */
function* checkCore(snapshot: Snapshot): IterableIterator<ConfigProblem> {
  const { global } = snapshot;
  const pairs = [
    ['memory_goal', 'memory_hwm', global.memory_goal, global.memory_hwm],
    ['min_dns_ttl', 'max_dns_ttl', global.min_dns_ttl, global.max_dns_ttl],
  ] as const;
  for (const [low, high, least, most] of pairs) {
    if (least > most) yield conflictAt(snapshot, [low, high], `${low} (${least}) is above ${high} (${most}).`);
  }
}

/** Fewer files than connections are allowed to need: told, since the system may have no more to give. */
function* checkDescriptors({ config, global }: Snapshot): IterableIterator<ConfigProblem> {
  const setting = config.root.settings.get('server_max_file_descriptors');
  const { server_max_file_descriptors: files, server_max_outbound_connections: connections } = global;
  if (!setting || files >= 4 * connections) return;
  const say = `server_max_file_descriptors (${files}) is below four times server_max_outbound_connections (${connections}).`;
  yield problemAt('CONFLICT', setting.node.name.at, say, { severity: 'notice', width: setting.node.name.raw.length });
}

function conflictAt(snapshot: Snapshot, names: readonly string[], say: string): ConfigProblem {
  const setting = names.map((name) => snapshot.config.root.settings.get(name)).find((found) => found !== undefined);
  const at = setting?.node.name.at ?? { source: new Source('', ''), line: 1, column: 1 };
  return problemAt('CONFLICT', at, say, { width: setting?.node.name.raw.length ?? 1 });
}

/** What the modules themselves have to say about their options. */
function* checkModules(snapshot: Snapshot, manifests: readonly ModuleManifest[]): IterableIterator<ConfigProblem> {
  const stanzas = snapshot.modules().map(({ name }) => name);
  for (const instance of snapshot.modules()) {
    const manifest = manifests.find(({ name }) => name === instance.name);
    // A manifest's check is written for the values of its own options, and those are what the decoder made of them.
    for (const { option, say, level } of manifest?.check?.(instance.options as never, snapshot.global, stanzas) ?? [])
      yield problemIn(snapshot, instance, option, say, level === 'warning' ? 'notice' : 'error');
  }
}

/** What modules have to say about their options in scopes of the core, outermost scope first. */
function* checkScopes(scope: ScopeNode, manifests: readonly ModuleManifest[]): IterableIterator<ConfigProblem> {
  for (const manifest of manifests) {
    const names = Object.keys(manifest.scoped ?? {});
    if (!manifest.checkScope || !names.some((name) => scope.settings.has(name))) continue;
    for (const { option, say, level } of manifest.checkScope(writtenIn(scope, names) as never, (name) => writtenIn(scope, [name])[name])) {
      const { node } = scope.settings.get(option ?? '') ?? settingOf(scope, names);
      yield problemAt('CONFLICT', node.name.at, say, { severity: level === 'warning' ? 'notice' : 'error', width: node.name.raw.length });
    }
  }
  for (const byName of scope.children.values()) for (const child of byName.values()) yield* checkScopes(child, manifests);
}

/** Values of the options in a scope, or in the nearest scope around it that sets them. */
function writtenIn(scope: ScopeNode, names: readonly string[]): Readonly<Record<string, unknown>> {
  const outer = scope.parent ? writtenIn(scope.parent, names) : {};
  const here = names.flatMap((name) => {
    const setting = scope.settings.get(name);
    return setting ? [[name, setting.value]] : [];
  });
  return { ...outer, ...Object.fromEntries(here) };
}

function settingOf(scope: ScopeNode, names: readonly string[]): Setting {
  const setting = names.map((name) => scope.settings.get(name)).find((found) => found !== undefined);
  if (!setting) throw new RangeError(`no option of a module is set in ${scope.key}`);
  return setting;
}

function problemIn(
  snapshot: Snapshot,
  instance: ModuleInstance,
  option: string | undefined,
  say: string,
  severity: 'error' | 'notice',
): ConfigProblem {
  const setting = option === undefined ? undefined : instance.settings.get(option);
  if (setting) return problemAt('CONFLICT', setting.node.name.at, say, { severity, width: setting.node.name.raw.length });
  const source = snapshot.config.loaded.files.get(instance.file)?.tree.source ?? new Source(instance.file, '');
  return problemAt('CONFLICT', { source, line: instance.line, column: 1 }, say, { severity, width: instance.name.length });
}
