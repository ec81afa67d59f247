/** The reference says what the sources say, and every example of a module's page can be read. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { configureText } from '../config/configure.js';
import { hooks } from '../module/hooks.js';
import { knownModules } from '../module/known.js';
import type { Manifest } from '../module/manifest.js';
import { loadManifests } from '../server/built.js';
import { makePlans } from '../server/plans.js';
import { findRoot } from './build.js';
import { readSources } from './find-readers.js';
import { loadCatalogues } from './reference/catalogues.js';
import { cell, formatMarkdownTable } from './reference/markdown.js';
import { renderReference } from './write-reference.js';

const ROOT = findRoot();
let pages: ReadonlyMap<string, string>;
let manifests: readonly Manifest[];
beforeAll(async () => {
  pages = await renderReference();
  manifests = await loadManifests();
});
const page = (name: string): string => pages.get(`docs/reference/${name}.md`) ?? '';
/** Rows of all tables of a page. */
const rows = (text: string): readonly string[] => text.split('\n').filter((line) => /^\| [`[]/.test(line));

describe('the reference', () => {
  it('is up to date (npm run docs writes it anew)', () => {
    expect([...pages.keys()]).toEqual(['hooks', 'modules', 'problems', 'console'].map((name) => `docs/reference/${name}.md`));
    for (const [path, text] of pages) expect(readFileSync(join(ROOT, path), 'utf8'), path).toBe(text);
  });

  it('names every hook', () => {
    expect(rows(page('hooks'))).toHaveLength(Object.keys(hooks).length);
    expect(page('hooks')).toContain('| `data` | ask | 2 | The body was read. | `validate_data(msg, ac, vctx)` |');
  });

  it('names all 90 modules and the options of those that are built', () => {
    const text = page('modules');
    const [list = ''] = text.split('\n## ');
    expect(rows(list)).toHaveLength(knownModules.size);
    expect(rows(list).filter((row) => row.includes('| yes |'))).toHaveLength(manifests.filter(({ name }) => knownModules.has(name)).length);
    for (const { name, options } of manifests) {
      const section = text.split(`\n## ${name}\n`)[1]?.split('\n## ')[0] ?? '';
      for (const option of Object.keys(options)) expect(section, `${name}.${option}`).toContain(`| \`${option}\` |`);
    }
  });

  it('names every code that the sources declare', async () => {
    const sources = [...readSources(ROOT)].filter(({ path }) => !path.endsWith('.test.ts'));
    const declared = sources.flatMap(({ text }) => [...text.matchAll(/declareProblems\('(\w+)'/g)].map((match) => match[1] ?? ''));
    const catalogues = await loadCatalogues(sources);
    expect([...catalogues.keys()]).toEqual([...new Set(declared)].sort());
    const codes = [...catalogues.values()].flatMap((kinds) => kinds.map(({ code }) => code));
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes).toContain('SPOOL_LOCKED');
    for (const code of codes) expect(page('problems')).toContain(`| \`${code}\` |`);
  });

  it('insists that a catalogue is exported', async () => {
    const text = "export const problems = declareProblems('x', {});";
    await expect(loadCatalogues([{ path: 'src/tools/reference/markdown.ts', text }])).rejects.toThrow('does not export its problems');
  });

  it('names the commands of the console with what they change', () => {
    expect(page('console')).toContain('| `message details MID` |  | Everything about one message, and why it waits. |');
    expect(page('console')).toContain('| `flush domain DOMAIN\\|all` | yes |');
  });

  it('escapes what would break a table', () => {
    expect(cell('a|b\nc')).toBe('a\\|b c');
    expect(formatMarkdownTable(['x'], [['1|2']])).toBe('| x |\n|---|\n| 1\\|2 |');
  });
});

describe('the pages of modules', () => {
  const folders = readdirSync(join(ROOT, 'modules')).filter((name) => existsSync(join(ROOT, 'modules', name, 'index.ts')));
  const textOf = (name: string): string => readFileSync(join(ROOT, 'modules', name, 'page.md'), 'utf8');

  it.each(folders)('%s has all sections', (name) => {
    const titles = textOf(name)
      .split('\n')
      .filter((line) => /^## /.test(line));
    expect(textOf(name).startsWith(`# ${name}\n`)).toBe(true);
    expect(titles).toEqual(['What', 'When', 'Example', 'Console', 'Events', 'Notes'].map((title) => `## ${title}`));
  });

  it.each(folders)('%s shows only configurations that can be read', async (name) => {
    const examples = [...textOf(name).matchAll(/^```conf\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const text of examples) {
      const configured = await configureText(text, { manifests });
      // An old name is told so, and nothing else.
      const expected = knownModules.get(name)?.deprecated === true ? ['notice'] : [];
      expect(
        configured.problems.map(({ severity }) => severity),
        text,
      ).toEqual(expected);
      expect(configured.ok && makePlans(configured.snapshot, manifests).some(({ manifest }) => manifest.name === name)).toBe(true);
    }
  });
});
