/** Writes src/config/unread.generated.ts, the options of the core that nothing reads: `node dist/src/tools/find-readers.js`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findUnread, mayRead, type SourceText, writeUnread } from '../config/readers.js';
import { findRoot } from './build.js';

/** Every file under the root that may read options. */
export function* readSources(root: string): IterableIterator<SourceText> {
  for (const folder of ['src', 'modules']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const path = `${folder}/${name.replaceAll('\\', '/')}`;
      if (mayRead(path)) yield { path, text: readFileSync(join(root, path), 'utf8') };
    }
  }
}

/** Brings the file up to date; answers the names in it. */
export function updateUnread(root: string): readonly string[] {
  const names = findUnread(readSources(root));
  writeFileSync(join(root, 'src/config/unread.generated.ts'), writeUnread(names));
  return names;
}

if (import.meta.filename === process.argv[1]) process.stdout.write(`${updateUnread(findRoot()).length} options without a reader\n`);
