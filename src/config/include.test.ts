import { describe, expect, it } from 'vitest';
import { type Loaded, load, splitSearchPath, walkEntries } from './include.js';
import { print } from './print.js';
import { type Reader, readerOf } from './reader.js';
import type { Entry } from './tree.js';

const names = (loaded: Loaded, entries: readonly Entry[] = loaded.main.tree.entries): string[] =>
  [...walkEntries(loaded, entries)].flatMap((entry) => {
    if (entry.kind === 'stanza') return [entry.keyword.text, ...names(loaded, entry.entries)];
    return entry.kind === 'assign' ? [entry.name.text] : [];
  });
const codes = (loaded: Loaded): string[] => loaded.problems.map((p) => `${p.file}:${p.line}:${p.column} ${p.code.slice(7)}`);
const loadAll = (files: Record<string, string>, searchPath: string[] = []): Promise<Loaded> =>
  load('/etc/main.conf', readerOf(files), { searchPath });

describe('load', () => {
  it('puts files where they are included, in any scope', async () => {
    const loaded = await loadAll({
      '/etc/main.conf': 'a = 1 include "x.conf" s { include y.conf } z = 1',
      '/etc/x.conf': 'b = 1\n',
      '/etc/y.conf': 'c = 1 include "sub/z.conf"',
      '/etc/sub/z.conf': 'd = 1 include w',
      '/etc/sub/w': 'e = 1',
    });
    expect(codes(loaded)).toEqual([]);
    expect(names(loaded)).toEqual(['a', 'b', 's', 'c', 'd', 'e', 'z']);
    expect([...loaded.files.keys()]).toEqual(['/etc/main.conf', '/etc/x.conf', '/etc/y.conf', '/etc/sub/z.conf', '/etc/sub/w']);
    expect(print(loaded.main.tree)).toBe(loaded.main.tree.source.text);
  });

  it('reads a folder in order of names, without hidden files and inner folders', async () => {
    const loaded = await loadAll({
      '/etc/main.conf': 'include "conf.d"',
      '/etc/conf.d/b.conf': 'b = 1',
      '/etc/conf.d/a.conf': 'a = 1',
      '/etc/conf.d/B.conf': 'c = 1',
      '/etc/conf.d/.hidden': 'h = 1',
      '/etc/conf.d/inner/x.conf': 'x = 1',
    });
    expect(codes(loaded)).toEqual([]);
    expect(names(loaded)).toEqual(['c', 'a', 'b']);
  });

  it('looks beside the including file first, then along the search path', async () => {
    const files = { '/etc/main.conf': 'include "x" include "y"', '/etc/x': 'near = 1', '/a/x': 'far = 1', '/b/y': 'there = 1' };
    const loaded = await loadAll(files, ['/a', '/b']);
    expect(names(loaded)).toEqual(['near', 'there']);
    expect((await loadAll(files, ['/a'])).problems[0]?.hint).toBe('Looked for /etc/y, /a/y.');
  });

  it('reads file URIs and refuses others', async () => {
    const loaded = await loadAll({ '/etc/main.conf': 'include "file:///x" include "persist://y" include ""', '/x': 'x = 1' });
    expect(names(loaded)).toEqual(['x']);
    expect(codes(loaded)).toEqual(['/etc/main.conf:1:29 INCLUDE_SCHEME', '/etc/main.conf:1:51 INCLUDE_MISSING']);
  });

  it('finds loops, directly and through others', async () => {
    expect(codes(await loadAll({ '/etc/main.conf': 'include "main.conf"' }))).toEqual(['/etc/main.conf:1:9 INCLUDE_LOOP']);
    const loaded = await loadAll({ '/etc/main.conf': 'include a', '/etc/a': 'include "b"\nx = 1', '/etc/b': 'include "../etc/./a"' });
    expect(codes(loaded)).toEqual(['/etc/b:1:9 INCLUDE_LOOP']);
    expect(loaded.problems[0]?.say).toBe('/etc/a includes itself: /etc/a > /etc/b > /etc/a.');
    expect(names(loaded)).toEqual(['x']);
  });

  it('goes 16 files deep and no further, on any way', async () => {
    const chain = (depth: number): Record<string, string> => ({
      ...Object.fromEntries(Array.from({ length: depth }, (_, i) => [`/etc/${i}`, `include "${i + 1}"`])),
      '/etc/main.conf': 'include "0"',
      [`/etc/${depth}`]: 'x = 1',
    });
    expect(codes(await loadAll(chain(15)))).toEqual([]);
    expect(codes(await loadAll(chain(16)))).toEqual(['/etc/15:1:9 INCLUDE_DEPTH']);
    const known = { ...chain(15), '/etc/main.conf': 'include "5" include "0"' };
    expect(codes(await loadAll(known))).toEqual([]);
    const deeper = { ...chain(16), '/etc/main.conf': 'include "5" include "0"' };
    expect(codes(await loadAll(deeper))).toEqual(['/etc/4:1:9 INCLUDE_DEPTH']);
  });

  it('is not blown up by files that include each other over and over', async () => {
    const files: Record<string, string> = { '/etc/main.conf': 'include "0"', '/etc/15': 'x = 1' };
    for (let i = 0; i < 15; i++) files[`/etc/${i}`] = `include "${i + 1}" include "${i + 1}" include "${i + 1}"`;
    const loaded = await loadAll(files);
    expect(codes(loaded).every((code) => code.endsWith('INCLUDE_DEPTH'))).toBe(true);
    expect(codes(loaded).length).toBeGreaterThan(0);
    expect(names(loaded).length).toBeLessThan(10_000);
  });

  it('names missing and unreadable files, and the main one too', async () => {
    expect(codes(await loadAll({ '/etc/main.conf': ' include "nothing"' }))).toEqual(['/etc/main.conf:1:10 INCLUDE_MISSING']);
    expect(codes(await loadAll({}))).toEqual(['/etc/main.conf:1:1 INCLUDE_MISSING']);
    const refusing: Reader = {
      read(path) {
        if (path === '/etc/main.conf') return 'include "x" include "d" include "e" include "f"';
        if (path === '/etc/f') throw 'odd';
        if (path === '/etc/e') throw 'odd';
        throw new Error('permission denied');
      },
      list(folder) {
        if (folder === '/etc/d') throw new Error('permission denied');
        if (folder === '/etc/e') throw 'odd';
        return undefined;
      },
    };
    const loaded = await load('/etc/main.conf', refusing);
    expect(codes(loaded)).toEqual([9, 21, 33, 45].map((column) => `/etc/main.conf:1:${column} INCLUDE_UNREADABLE`));
    expect(loaded.problems.map((p) => p.say)).toEqual([
      '/etc/x cannot be read: permission denied.',
      '/etc/d cannot be read: permission denied.',
      '/etc/e cannot be read: odd.',
      '/etc/f cannot be read: odd.',
    ]);
  });

  it('says of a file that vanished between listing and reading that it is not there', async () => {
    const vanishing: Reader = {
      read: (path) => (path === '/etc/main.conf' ? 'include "d"' : undefined),
      list: (folder) => (folder === '/etc/d' ? ['a', 'b'] : undefined),
    };
    expect(codes(await load('/etc/main.conf', vanishing))).toEqual([
      '/etc/main.conf:1:9 INCLUDE_MISSING',
      '/etc/main.conf:1:9 INCLUDE_MISSING',
    ]);
  });

  it('knows which files the console may write', async () => {
    const loaded = await loadAll({
      '/etc/main.conf': 'include a readonly_include b include c s { include c }',
      '/etc/a': '',
      '/etc/b': '',
      '/etc/c': '',
    });
    expect([...loaded.files.values()].map((file) => file.frozen)).toEqual([
      undefined,
      undefined,
      'it is included by readonly_include',
      'it is included more than once',
    ]);
  });

  it('reads local_changes_file after all others, wherever it is named', async () => {
    const files = {
      '/etc/main.conf': 'include "x"',
      '/etc/x': 'Local_Changes_File = "no" Local_Changes_File = "local.conf"',
      '/etc/local.conf': 'b = 1 include "y"',
      '/etc/y': 'c = 1',
    };
    const loaded = await loadAll(files);
    expect(loaded.localPath).toBe('/etc/local.conf');
    expect(names(loaded, loaded.local?.entries ?? [])).toEqual(['b', 'c']);
    const absolute = await loadAll({ '/etc/main.conf': 'local_changes_file = "/var/../var/l"' });
    expect([absolute.localPath, absolute.local, absolute.problems]).toEqual(['/var/l', undefined, []]);
    expect((await loadAll({ '/etc/main.conf': 'local_changes_file = ( x )' })).localPath).toBeUndefined();
  });

  it('says when local_changes_file cannot be read', async () => {
    const reader: Reader = {
      read(path) {
        if (path === '/etc/main.conf') return 'local_changes_file = "l"';
        throw new Error('permission denied');
      },
      list: () => undefined,
    };
    expect(codes(await load('/etc/main.conf', reader))).toEqual(['/etc/main.conf:1:22 INCLUDE_UNREADABLE']);
  });

  it('keeps mistakes of all files', async () => {
    const loaded = await loadAll({ '/etc/main.conf': 'a b\ninclude x', '/etc/x': 'c d' });
    expect(codes(loaded)).toEqual(['/etc/main.conf:1:1 SYNTAX', '/etc/x:1:1 SYNTAX']);
  });
});

describe('splitSearchPath', () => {
  it('makes folders absolute and knows the node', () => {
    expect(splitSearchPath('etc : etc/conf/{NODENAME}::/abs', '/opt', 'n1')).toEqual(['/opt/etc', '/opt/etc/conf/n1', '/abs']);
  });
});

describe('readerOf', () => {
  it('reads what it was given', () => {
    const reader = readerOf(new Map([['/a/b', 'x']]));
    expect([reader.read('/a/b'), reader.read('/c'), reader.list('/a'), reader.list('/a/'), reader.list('/b')]).toEqual([
      'x',
      undefined,
      ['b'],
      ['b'],
      undefined,
    ]);
  });
});
