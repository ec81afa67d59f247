/** Finds every catalogue of problems that the sources declare and loads it. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SourceText } from '../../config/readers.js';
import type { ProblemKind } from '../../kernel/problems.js';

/** Kinds by the name of the room that declares them, sorted by room. */
export type Catalogues = ReadonlyMap<string, readonly ProblemKind[]>;

const DECLARES = /export const problems = declareProblems\('(\w+)'/;

/** Where this runs: the sources, or what was built of them. */
const TREE = path.resolve(import.meta.dirname, '../../..');

/** Loads what the given sources declare; each exports it as `problems`. */
export async function loadCatalogues(sources: Iterable<SourceText>): Promise<Catalogues> {
  const found = new Map<string, readonly ProblemKind[]>();
  for (const { path: file, text } of sources) {
    const room = DECLARES.exec(text)?.[1];
    if (room === undefined) continue;
    const built = file.replace(/\.ts$/, path.extname(import.meta.filename));
    const { problems }: { problems?: unknown } = await import(pathToFileURL(path.join(TREE, built)).href);
    if (typeof problems !== 'object' || problems === null) throw new TypeError(`${file} does not export its problems`);
    // What declareProblems makes: functions that carry their kind.
    const kinds = Object.values(problems as Record<string, { readonly kind: ProblemKind }>).map(({ kind }) => kind);
    found.set(room, [...(found.get(room) ?? []), ...kinds]);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
