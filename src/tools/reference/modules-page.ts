/** The page of all modules, from the list of the known ones and the manifests of those that are built. Pure. */
import { type BlockShape, openShape } from '../../config/manifest.js';
import type { Option, Options } from '../../config/option.js';
import { type KnownModule, knownModules } from '../../module/known.js';
import type { Manifest } from '../../module/manifest.js';
import { code, formatMarkdownTable, formatPage } from './markdown.js';

const flagsOf = (module: KnownModule): string =>
  (['singleton', 'autoload', 'cluster', 'validates', 'deprecated'] as const).filter((flag) => module[flag]).join(', ');

/** Markdown of docs/reference/modules.md. */
export function renderModules(manifests: readonly Manifest[]): string {
  const built = new Set(manifests.map(({ name }) => name));
  const rows = [...knownModules.values()].map((module) => [
    built.has(module.name) ? `[${code(module.name)}](#${module.name})` : code(module.name),
    built.has(module.name) ? 'yes' : '',
    flagsOf(module),
    module.summary,
  ]);
  const ours = manifests.filter(({ name }) => !knownModules.has(name));
  return formatPage(
    'Modules',
    `The ${rows.length} modules that Momentum documents and what there is of them: ${built.size - ours.length} are built. A stanza or an option of one that is not built is an error that names it. *singleton*: one stanza without a name. *autoload*: Momentum loads it when something of it is used. *cluster*: needs a cluster. *validates*: takes part in validation; \`__bypass_NAME = true\` in a connection's context spares it the module.`,
    'Every module stanza also takes `enabled`, `debug_level`, `on_error` and `timeout`; see the last section of [options](options.md).',
    formatMarkdownTable(['module', 'built', 'flags', 'what it does'], rows),
    ...(ours.length > 0
      ? [`Beside them, as no module of Momentum: ${ours.map(({ name }) => `[${code(name)}](#${name})`).join(', ')}.`]
      : []),
    ...manifests.flatMap(describeModule),
  );
}

function describeModule(manifest: Manifest): readonly string[] {
  const { name, summary, options, blocks, scoped, stanzas, needs, offers } = manifest;
  const facts = [
    `${summary} [Its page](../../modules/${name}/page.md).`,
    ...(needs ? [`Needs ${needs.map(code).join(', ')}.`] : []),
    ...Object.entries(offers ?? {}).map(([kind, names]) => `Offers ${kind}: ${(names ?? []).map(code).join(', ')}.`),
  ];
  return [
    `## ${name}`,
    facts.join('\n'),
    ...describeOptions(options),
    ...describeBlocks('Within it, the stanza', blocks),
    ...(scoped && Object.keys(scoped).length > 0 ? ['In scopes of the core:', formatOptions(scoped, true)] : []),
    ...describeBlocks('A stanza of its own,', stanzas),
  ];
}

const describeOptions = (options: Options): readonly string[] => (Object.keys(options).length === 0 ? [] : [formatOptions(options, false)]);

function describeBlocks(words: string, blocks: Readonly<Record<string, BlockShape>> | undefined): readonly string[] {
  return Object.entries(blocks ?? {}).flatMap(([kind, shape]) => {
    const { options, blocks: inner } = openShape(shape);
    return [`${words} ${code(kind)}:`, ...describeOptions(options), ...describeBlocks(`Within ${code(kind)}, the stanza`, inner)];
  });
}

function formatOptions(options: Options, scoped: boolean): string {
  const rows = Object.entries(options).map(([name, option]) => [
    code(name),
    option.type,
    showDefault(option),
    ...(scoped ? [option.scopes.join(', ')] : []),
    `${option.doc}${option.origin === 'ours' ? ' Not in Momentum.' : ''}${option.differs === undefined ? '' : ` Differs from Momentum: ${option.differs}`}`,
  ]);
  return formatMarkdownTable(['option', 'type', 'default', ...(scoped ? ['scopes'] : []), 'meaning'], rows);
}

const showDefault = (option: Option<unknown>): string =>
  option.default === undefined ? (option.required ? 'none, it must be set' : 'unset') : code(option.print(option.default));
