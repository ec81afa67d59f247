/** Every fenced `conf` block of the documentation is a valid configuration, and every page it links to is there. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { configureText } from '../src/config/configure.js';
import { renderProblems } from '../src/config/render.js';
import { knownModules } from '../src/module/known.js';
import { loadManifests } from '../src/server/built.js';

const ROOT = path.resolve(import.meta.dirname, '..');

function* pages(folder: string): Generator<string> {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* pages(full);
    else if (entry.name.endsWith('.md')) yield full;
  }
}

const all = [path.join(ROOT, 'README.md'), ...pages(path.join(ROOT, 'docs')), ...pages(path.join(ROOT, 'modules'))];

describe.each(all.map((file) => path.relative(ROOT, file)))('%s', (name) => {
  const text = fs.readFileSync(path.join(ROOT, name), 'utf8');

  it('holds only configurations that are valid', async () => {
    for (const [, conf = ''] of text.matchAll(/```conf\n([\s\S]*?)```/g)) {
      // Key files of examples are not on this machine; that is for the module's start to say.
      const configured = await configureText(conf, { manifests: await loadManifests(), knownModules: [...knownModules.keys()] });
      expect(configured.ok, renderProblems(configured.problems)).toBe(true);
    }
  });

  it('links only to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !fs.existsSync(path.resolve(path.dirname(path.join(ROOT, name)), link)))).toEqual([]);
  });
});

describe('config/', () => {
  const shipped = [
    path.join(ROOT, 'config/ecelerity.conf'),
    ...fs.readdirSync(path.join(ROOT, 'config/examples')).map((name) => path.join(ROOT, 'config/examples', name)),
  ];

  it.each(shipped.map((file) => path.relative(ROOT, file)))('%s is valid and says nothing but what it means', async (file) => {
    const configured = await configureText(fs.readFileSync(path.join(ROOT, file), 'utf8'), {
      manifests: await loadManifests(),
      knownModules: [...knownModules.keys()],
    });
    expect(renderProblems(configured.problems)).toBe('');
  });
});
