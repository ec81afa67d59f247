import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configure } from './configure.js';
import type { ModuleManifest } from './manifest.js';
import { opt } from './opt.js';
import type { Reader } from './reader.js';
import { renderProblems } from './render.js';

const folder = fileURLToPath(new URL('../../test/fixtures/broken/', import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith('.conf'));

const reader: Reader = {
  read: (path) => (statSync(folder + path, { throwIfNoEntry: false })?.isFile() ? readFileSync(folder + path, 'utf8') : undefined),
  list: (path) => (statSync(folder + path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder + path) : undefined),
};

const manifests: readonly ModuleManifest[] = [
  { name: 'ec_logger', options: { heartbeat: opt.seconds({ doc: 'Time between heartbeats.', default: 60 }) } },
  { name: 'ds_core', singleton: true, options: { cache_life: opt.seconds({ doc: 'How long answers are kept.', default: 3600 }) } },
  {
    name: 'dkim_sign',
    options: {
      lifetime: opt.int({ doc: 'Hours.', default: 48 }),
      minimum: opt.int({ doc: 'Hours.', default: 0 }),
    },
    blocks: { dkim_domain: { key: opt.path({ doc: 'File of the key.', required: true }) } },
    check: ({ lifetime, minimum }: { lifetime: number; minimum: number }) =>
      lifetime < minimum ? [{ option: 'lifetime', say: 'The lifetime is below the minimum.' }] : [],
  },
];

const vocabulary = {
  manifests,
  knownModules: ['adaptive', 'clamav', 'cluster', 'dkim_sign', 'ds_core', 'ec_logger', 'httpsrv', 'msgc_server'],
  unread: new Set(['max_receptions_per_connection']),
};

describe('broken configurations', () => {
  it('are more than thirty', () => expect(names.length).toBeGreaterThan(30));

  it.each(names)('%s', async (name) => {
    const read = await configure(name, reader, vocabulary);
    expect(read.ok).toBe(false);
    const errors = read.problems.filter((problem) => problem.severity === 'error');
    expect(errors).toHaveLength(name === 'ten-mistakes.conf' ? 10 : name === 'mistake-in-folder.conf' ? 2 : 1);
    await expect(`${renderProblems(read.problems)}\n`).toMatchFileSnapshot(folder + name.replace(/conf$/, 'expected'));
  });
});
