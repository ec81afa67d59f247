import { describe, expect, it } from 'vitest';
import { configureText } from './configure.js';
import { type Change, diff } from './diff.js';
import type { ModuleManifest } from './manifest.js';
import { opt } from './opt.js';
import { renderProblems } from './render.js';
import type { Snapshot } from './snapshot.js';

const manifests: readonly ModuleManifest[] = [
  {
    name: 'demo',
    options: { word: opt.secret({ doc: 'x' }), level: opt.int({ doc: 'x', default: 1, reload: 'restart' }) },
    blocks: { part: { n: opt.int({ doc: 'x', default: 1 }) } },
    stanzas: { store: { n: opt.int({ doc: 'x', default: 1 }) } },
    inside: { domain: { rule: { n: opt.int({ doc: 'x', default: 1 }) } } },
  },
];

async function take(text: string): Promise<Snapshot> {
  const read = await configureText(text, { unread: new Set(), manifests });
  if (!read.ok) throw new Error(renderProblems(read.problems));
  return read.snapshot;
}

const show = ({ scopeKey, option, before, after, needsRestart }: Change): string =>
  `${scopeKey}: ${option ?? '*'} ${before ?? '-'} > ${after ?? '-'}${needsRestart ? ' !' : ''}`;
const changes = async (before: string, after: string): Promise<string[]> => diff(await take(before), await take(after)).map(show);

describe('diff', () => {
  it('finds nothing in what means the same', async () => {
    expect(
      await changes('retry_interval = 3600 Binding a { tls = no }', '# x\nBINDING "a" { TLS = NO }\nRetry_Interval = "1 hour"'),
    ).toEqual([]);
    expect(await changes('demo { word = x }', 'demo { word = "x" }')).toEqual([]);
  });

  it('names what is set, changed and unset, and what needs a restart', async () => {
    expect(
      await changes('retry_interval = 5 spoolbase = "/a" max_retries = 3', 'retry_interval = 6 spoolbase = "/b" tls = required'),
    ).toEqual(['global: retry_interval 5 > 6', 'global: spoolbase "/a" > "/b" !', 'global: tls - > required', 'global: max_retries 3 > -']);
  });

  it('names stanzas that came and went', async () => {
    expect(await changes('Binding a { } security { user = x }', 'Binding b { Domain d { tls = no } } security { user = y }')).toEqual([
      'binding b: * - > { }',
      'binding b > domain d: * - > { }',
      'binding b > domain d: tls - > no',
      'security security: user x > y !',
      'binding a: * { } > -',
    ]);
  });

  it('looks into modules, and hides secrets', async () => {
    const before = 'demo m { word = old level = 1 part p { n = 1 } } store s { n = 1 } Domain d { rule { n = 1 } }';
    const after = 'demo m { word = new level = 2 part p { n = 2 } } store s { n = 2 } Domain d { rule { n = 2 } }';
    expect(await changes(before, after)).toEqual([
      'domain d > rule rule: n 1 > 2',
      'store s: n 1 > 2',
      'demo m: word "********" > "********"',
      'demo m: level 1 > 2 !',
      'demo m > part p: n 1 > 2',
    ]);
  });
});
