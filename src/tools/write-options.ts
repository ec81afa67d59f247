/** Writes docs/reference/options.md from the declarations: `node dist/src/tools/write-options.js`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeOptionsPage } from '../config/options-page.js';
import { findUnread } from '../config/readers.js';
import { findRoot } from './build.js';
import { readSources } from './find-readers.js';

/** Brings the page up to date with the declarations and with what the sources read. */
export function updateOptionsPage(root: string): void {
  mkdirSync(join(root, 'docs/reference'), { recursive: true });
  writeFileSync(join(root, 'docs/reference/options.md'), writeOptionsPage(new Set(findUnread(readSources(root)))));
}

if (import.meta.filename === process.argv[1]) updateOptionsPage(findRoot());
