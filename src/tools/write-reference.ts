/** Writes the generated pages of docs/reference from the sources: `node dist/src/tools/write-reference.js`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadManifests } from '../server/built.js';
import { findRoot } from './build.js';
import { readSources } from './find-readers.js';
import { loadCatalogues } from './reference/catalogues.js';
import { renderConsole } from './reference/console-page.js';
import { renderHooks } from './reference/hooks-page.js';
import { renderModules } from './reference/modules-page.js';
import { renderProblems } from './reference/problems-page.js';

/** Every page by its path under the root. Codes of problems are found in the sources, all else is imported. */
export async function renderReference(root = findRoot()): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/reference/hooks.md', renderHooks()],
    ['docs/reference/modules.md', renderModules(await loadManifests())],
    ['docs/reference/problems.md', renderProblems(await loadCatalogues(readSources(root)))],
    ['docs/reference/console.md', renderConsole()],
  ]);
}

/** Brings all pages up to date. */
export async function updateReference(root: string): Promise<void> {
  for (const [page, text] of await renderReference(root)) {
    mkdirSync(dirname(join(root, page)), { recursive: true });
    writeFileSync(join(root, page), text);
  }
}

if (import.meta.filename === process.argv[1]) await updateReference(findRoot());
