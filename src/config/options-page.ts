/** Writes the reference page of all options of the core from their declarations. */
import { areas } from './core/index.js';
import { type BlockShape, moduleOptions, openShape } from './manifest.js';
import type { Option, Options } from './option.js';
import { titleCase } from './print-setting.js';
import { type CabinetKind, cabinets, scopeKinds } from './stanzas.js';

const EFFECTS = {
  restricts: 'not acted on yet: a value that restricts is refused',
  harmless: 'not acted on yet: setting it gives a notice',
  never: 'meaningless here, for good',
} as const;

/** The whole page in Markdown. `unread` names the options nothing acts on. */
export function writeOptionsPage(unread: ReadonlySet<string>): string {
  const scopes = Object.entries(scopeKinds).map(
    ([name, kind]) =>
      `| ${code(titleCase(name))} | ${kind.within.map(nameScope).join(', ')} | ${nameNaming(kind.naming, kind.form)} | ${kind.doc}${kind.refusal ? ` ${kind.refusal}` : ''}${kind.module ? ` Needs the module ${code(kind.module)}.` : ''} |`,
  );
  const lines = [
    '# Options',
    '',
    'Every option of the core, written from its declaration by `src/tools/write-options.ts`. Options of modules stand on the pages of the modules.',
    '',
    'Names may be written in any case. "Live" options count as soon as the configuration is read anew, the others after a restart.',
    'A list that falls back is not joined with the one it falls back to: the most specific scope that sets an option decides.',
    '',
    '## Scopes',
    '',
    '| stanza | stands in | name | meaning |',
    '|---|---|---|---|',
    ...scopes,
    '',
  ];
  for (const [area, options] of Object.entries(areas))
    lines.push(
      `## ${area}`,
      '',
      ...Object.entries(options).flatMap(([name, option]) => [...describeOption(name, option, unread.has(name), '###')]),
    );
  lines.push('## Stanzas with options of their own', '');
  for (const [kind, cabinet] of Object.entries<CabinetKind>(cabinets)) {
    const whose = cabinet.module === undefined ? '' : ` Needs the module ${code(cabinet.module)}.`;
    lines.push(
      `### ${titleCase(kind)}`,
      '',
      cabinet.doc + whose,
      '',
      ...describeShape(kind, cabinet.shape, whose === '' ? unread : new Set()),
    );
  }
  lines.push(
    '## Every module',
    '',
    'What the stanza of any module may hold beside its own options.',
    '',
    ...describeTable('', moduleOptions, new Set()),
  );
  return `${lines.join('\n').trimEnd()}\n`;
}

function* describeShape(kind: string, shape: BlockShape, unread: ReadonlySet<string>): IterableIterator<string> {
  const { options, blocks } = openShape(shape);
  if (Object.keys(options).length > 0) yield* describeTable(kind, options, unread);
  for (const [inner, innerShape] of Object.entries(blocks)) {
    const held = openShape(innerShape).options;
    if (Object.keys(held).length === 0) continue;
    yield `Within it, ${code(titleCase(inner))}:`;
    yield '';
    yield* describeTable(inner, held, unread);
  }
}

function* describeTable(kind: string, options: Options, unread: ReadonlySet<string>): IterableIterator<string> {
  yield '| option | type | default | reload | meaning |';
  yield '|---|---|---|---|---|';
  for (const [name, option] of Object.entries(options)) {
    const effect = unread.has(`${kind}.${name}`) ? ` (${EFFECTS[option.effect]})` : '';
    yield `| ${code(titleCase(name))} | ${cell(option.type)} | ${cell(showDefault(option))} | ${option.reload} | ${cell(option.doc)}${effect} |`;
  }
  yield '';
}

function* describeOption(name: string, option: Option<unknown>, unread: boolean, heading: string): IterableIterator<string> {
  yield `${heading} ${titleCase(name)}`;
  yield '';
  yield option.doc;
  yield '';
  yield `- Type: ${option.type}. Default: ${showDefault(option)}. Reload: ${option.reload}.`;
  yield `- May stand in: ${option.scopes.map(nameScope).join(', ')}.`;
  if (option.origin === 'ours') yield '- Not in Momentum.';
  if (option.differs !== undefined) yield `- Differs from Momentum: ${option.differs}`;
  if (unread) yield `- State: ${EFFECTS[option.effect]}.`;
  yield '';
}

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|');
const nameScope = (scope: string): string => (scope === 'global' ? 'global' : code(titleCase(scope)));
const showDefault = (option: Option<unknown>): string =>
  option.default === undefined ? (option.required ? 'none, it must be set' : 'unset') : code(option.print(option.default));

function nameNaming(naming: string, form: string): string {
  const what =
    { name: 'a name', pattern: 'a name or /pattern/', network: 'an address or network', socket: 'a socket address' }[form] ?? form;
  return naming === 'perhaps' ? `${what}, if one likes` : what;
}
