/** Finds out which options of the core nobody reads: options are read as properties of values, by their declared names, so the text of the sources tells. */
import { openShape } from './manifest.js';
import { cabinets } from './stanzas.js';
import { coreOptions } from './values.js';

/** One source file. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

/** What a value object is called where a name alone is too common a word to tell. */
const HOLDERS = String.raw`(?:options|values|global|core|outbound|inbound|own|settings|config|at\([^()]*\)|inbound\([^()]*\)|options\([^()]*\))`;

/** Options that this room itself acts on. */
const READ_HERE: ReadonlySet<string> = new Set(['local_changes_file', 'match_cache_size']);

/** True when the file may hold readers: a source of the daemon, neither a test nor the declarations themselves. */
export function mayRead(path: string): boolean {
  return (
    /^(src|modules)\//.test(path) &&
    !path.startsWith('src/config/') &&
    path.endsWith('.ts') &&
    !/\.(test|d)\.ts$/.test(path) &&
    !path.includes('/fixture')
  );
}

/** The names of all options of the core that none of the files reads: `retry_interval`, `security.user`. Sorted. */
export function findUnread(sources: Iterable<SourceText>): readonly string[] {
  const text = [...sources].map((source) => dropComments(source.text)).join('\n');
  const plain = Object.keys(coreOptions).filter((name) => !READ_HERE.has(name) && !isRead(name, text));
  const held = Object.entries(cabinets).flatMap(([kind, { shape }]) => [...unreadIn(kind, openShape(shape), text)]);
  return [...plain, ...held].sort();
}

function* unreadIn(kind: string, { options, blocks }: ReturnType<typeof openShape>, text: string): IterableIterator<string> {
  for (const name of Object.keys(options)) if (!isHeldRead(kind, name, text)) yield `${kind}.${name}`;
  for (const [inner, shape] of Object.entries(blocks)) yield* unreadIn(inner, openShape(shape), text);
}

/** Read as a property, taken out of an object, or named in quotes (a look-up by name). Common words need a holder in front. */
function isRead(name: string, text: string): boolean {
  if (!name.includes('_')) return new RegExp(String.raw`\b${HOLDERS}\??\.${name}\b|'${name}', (place|where|session)`).test(text);
  return new RegExp(String.raw`\.${name}\b(?!\s*=[^=>])|'${name}'|[{,]\s*${name}\s*(,[^{}]*|:[^{}]*)?\}\s*(=|:\s*\w+Values)`).test(text);
}

/** Read as a property of an object named after the stanza, or of what `stanza('…')` gives. */
function isHeldRead(kind: string, name: string, text: string): boolean {
  return new RegExp(String.raw`(\b${kind}|stanza\('${kind}'\))\??\.${name}\b|\{[^{}]*\b${name}\b[^{}]*\}\s*=[^;]*stanza\('${kind}'\)`).test(
    text,
  );
}

const dropComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');

/** The text of unread.generated.ts. */
export function writeUnread(names: readonly string[]): string {
  const lines = names.map((name) => `  '${name}',`);
  return [
    '/** Core options that nothing in this build reads. Written by src/tools/find-readers.ts; do not edit. */',
    '',
    'export const UNREAD: ReadonlySet<string> = new Set<string>([',
    ...lines,
    ']);',
    '',
  ].join('\n');
}
