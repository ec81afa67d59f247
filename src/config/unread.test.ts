import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeOptionsPage } from './options-page.js';
import { findUnread, mayRead, type SourceText, writeUnread } from './readers.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

function* readSources(): IterableIterator<SourceText> {
  for (const folder of ['src', 'modules']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const path = `${folder}/${name}`;
      if (mayRead(path)) yield { path, text: readFileSync(join(root, path), 'utf8') };
    }
  }
}

const unreadWith = (text: string): ReadonlySet<string> => new Set(findUnread([{ path: 'src/x.ts', text }]));

describe('findUnread', () => {
  it.each([
    ['values.max_retries', 'max_retries'],
    ['snapshot.at(place).max_retries > 1', 'max_retries'],
    ['const { max_retries, tls_ca } = options;', 'tls_ca'],
    ['const { max_retries: most } = options;', 'max_retries'],
    ["snapshot.scopeKey('outbound_throttle_messages', place)", 'outbound_throttle_messages'],
    ['session.options.context', 'context'],
    ['snapshot.at(place).tls', 'tls'],
    ['this.#snapshot.global.hostname', 'hostname'],
    ["snapshot.stanza('security').user", 'security.user'],
    ['const { user, group } = snapshot.stanza("security")'.replaceAll('"', "'"), 'security.group'],
    ['security.chroot', 'security.chroot'],
    ['role.allow', 'role.allow'],
  ])('sees a reader in %s', (text, name) => expect(unreadWith(text).has(name)).toBe(false));

  it.each([
    ['values.max_retries = 5', 'max_retries'],
    ['values.max_retries_left', 'max_retries'],
    ['// values.max_retries', 'max_retries'],
    ['/** values.max_retries */', 'max_retries'],
    ['this.tls', 'tls'],
    ['event.context', 'context'],
    ['process.user', 'security.user'],
    ['{ max_retries: 5 }', 'max_retries'],
  ])('sees none in %s', (text, name) => expect(unreadWith(text).has(name)).toBe(true));

  it('looks at sources only', () => {
    expect(['src/queue/x.ts', 'modules/a/index.ts'].map(mayRead)).toEqual([true, true]);
    expect(
      ['src/queue/x.test.ts', 'src/config/x.ts', 'test/x.ts', 'src/x.json', 'src/queue/fixture.ts', 'src/x.d.ts'].map(mayRead),
    ).toEqual(Array(6).fill(false));
  });

  it('counts what this room reads itself', () => expect(unreadWith('').has('match_cache_size')).toBe(false));
});

describe('what is generated', () => {
  const unread = findUnread(readSources());

  it('unread.generated.ts is up to date (node dist/src/tools/find-readers.js writes it)', () => {
    expect(readFileSync(join(root, 'src/config/unread.generated.ts'), 'utf8')).toBe(writeUnread(unread));
  });

  it('docs/reference/options.md is up to date (node dist/src/tools/write-options.js writes it)', () => {
    expect(readFileSync(join(root, 'docs/reference/options.md'), 'utf8')).toBe(writeOptionsPage(new Set(unread)));
  });
});
