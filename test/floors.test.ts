/** The floors of the house: imports only go down, modules see only the door, files stay rooms and not halls. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');

const FLOOR: Readonly<Record<string, number>> = {
  kernel: 0,
  mail: 1,
  config: 1,
  module: 2,
  io: 3,
  net: 3,
  dns: 3,
  data: 3,
  metrics: 3,
  smtp: 3.5,
  spool: 3.5,
  events: 3.5,
  receive: 4,
  queue: 4,
  deliver: 4,
  bounce: 4,
  tlspolicy: 4,
  tlsrpt: 4,
  console: 5,
  http: 5,
  cluster: 5,
  server: 6,
  tools: 6.5,
  bin: 7,
};
/** main.ts */
const TOP = 8;
const LARGEST = 400;

function* walk(folder: string): Generator<string> {
  if (!fs.existsSync(folder)) return;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(full);
    else if (entry.name.endsWith('.ts')) yield full;
  }
}

const SPECIFIER =
  /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g;

const importsOf = (file: string): string[] =>
  [...fs.readFileSync(file, 'utf8').matchAll(SPECIFIER)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');

const roomOf = (file: string): string => {
  const [first = ''] = path.relative(path.join(ROOT, 'src'), file).split(path.sep);
  return first.endsWith('.ts') ? 'main' : first;
};
const floorOf = (room: string): number => FLOOR[room] ?? TOP;

const sources = [...walk(path.join(ROOT, 'src'))];
const isTest = (file: string): boolean => file.endsWith('.test.ts');

describe('floors', () => {
  it('every room of src has a floor', () => {
    const rooms = new Set(sources.map(roomOf).filter((room) => room !== 'main'));
    expect([...rooms].filter((room) => FLOOR[room] === undefined)).toEqual([]);
  });

  it('imports only go down', () => {
    const wrong: string[] = [];
    for (const file of sources) {
      if (isTest(file)) continue;
      for (const specifier of importsOf(file)) {
        const target =
          specifier === '#module'
            ? path.join(ROOT, 'src/module/index.ts')
            : specifier.startsWith('.')
              ? path.resolve(path.dirname(file), specifier)
              : undefined;
        if (!target) continue;
        const from = roomOf(file);
        const to = roomOf(target);
        if (from !== to && floorOf(to) >= floorOf(from)) wrong.push(`${path.relative(ROOT, file)} → ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('the kernel knows nothing but node', () => {
    const wrong = sources
      .filter((file) => roomOf(file) === 'kernel' && !isTest(file))
      .flatMap((file) =>
        importsOf(file)
          .filter((s) => !s.startsWith('node:') && !s.startsWith('./'))
          .map((s) => `${path.relative(ROOT, file)} → ${s}`),
      );
    expect(wrong).toEqual([]);
  });

  it('modules come in by the door only', () => {
    const wrong: string[] = [];
    for (const file of walk(path.join(ROOT, 'modules'))) {
      if (isTest(file)) continue;
      const own = path.join(ROOT, 'modules', path.relative(path.join(ROOT, 'modules'), file).split(path.sep)[0] ?? '');
      for (const specifier of importsOf(file)) {
        if (!specifier.startsWith('.')) continue;
        const target = path.resolve(path.dirname(file), specifier);
        const inside = target.startsWith(own + path.sep);
        const anothersApi = target.startsWith(path.join(ROOT, 'modules') + path.sep) && path.basename(target) === 'api.js';
        if (!inside && !anothersApi) wrong.push(`${path.relative(ROOT, file)} → ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('every file says in its first line what it is for', () => {
    const mute = [...sources, ...walk(path.join(ROOT, 'modules'))].filter((file) => {
      if (isTest(file)) return false;
      const text = fs.readFileSync(file, 'utf8');
      return !text.startsWith('/**') && !text.startsWith('#!');
    });
    expect(mute.map((file) => path.relative(ROOT, file))).toEqual([]);
  });

  it('a file over the limit says in its head why', () => {
    const large = [...sources, ...walk(path.join(ROOT, 'modules'))].filter((file) => {
      const text = fs.readFileSync(file, 'utf8');
      return !isTest(file) && text.split('\n').length > LARGEST && !/^\/\*\*(?:(?!\*\/)[\s\S])*\bLong:/.test(text);
    });
    expect(large.map((file) => path.relative(ROOT, file))).toEqual([]);
  });

  it('nothing silences the compiler', () => {
    const silenced = [...sources, ...walk(path.join(ROOT, 'modules'))].filter((file) => {
      const text = fs.readFileSync(file, 'utf8');
      const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
      return /@ts-(?:ignore|expect-error|nocheck)|biome-ignore/.test(text) || /\bas any\b|: any\b|<any\b/.test(code);
    });
    expect(silenced.map((file) => path.relative(ROOT, file))).toEqual([]);
  });
});
