/** Signed rule packs: what is taken, what is not, and what stays when it is not. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bounces } from '#module';
import { Classifier } from '../../src/bounce/classifier.js';
import { loadShippedPack } from '../../src/bounce/shipped.js';
import { configureText } from '../../src/config/configure.js';
import { rehearse } from '../../src/module/fixture.js';
import { lendBounces } from '../../src/server/bounces.js';
import { makePlans } from '../../src/server/plans.js';
import live from './index.js';

let folder = '';
let source = '';
let updates = '';
let keys: { publicKey: KeyObject; privateKey: KeyObject };
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-live-'));
  source = path.join(folder, 'source');
  updates = path.join(folder, 'updates');
  fs.mkdirSync(source);
  keys = generateKeyPairSync('ed25519');
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const packOf = (version: number, bounceClass: number): string =>
  `version: ${version}\nrules:\n  - class: ${bounceClass}\n    any: ['zork']\n    example: '550 zork'\n`;

function publish(
  version: number,
  files: Record<string, string>,
  more: { manifest?: (text: string) => string; key?: KeyObject } = {},
): void {
  const list = Object.entries(files).map(([name, text]) => ({
    name,
    sha256: createHash('sha256').update(text).digest('hex'),
    size: Buffer.byteLength(text),
  }));
  const manifest = JSON.stringify({ version, files: list });
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(source, name), text);
  fs.writeFileSync(path.join(source, 'manifest.json.sig'), sign(null, Buffer.from(manifest), more.key ?? keys.privateKey));
  fs.writeFileSync(path.join(source, 'manifest.json'), more.manifest?.(manifest) ?? manifest);
}

const confOf = (): string =>
  `live_bounce_updates {\nurl = "${pathToFileURL(source).href}"\npublic_key = "key.pem"\nupdatesdir = "${updates}"\ninterval = 3600\nkeep = 1\ndebug_level = warning\n}`;

async function open(conf = confOf()) {
  const configured = await configureText(conf, { manifests: [live] });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const classifier = new Classifier(loadShippedPack());
  const bounces = lendBounces(classifier);
  const rehearsal = rehearse({
    outbound: (where) => configured.snapshot.at(where),
    service: (token) => (token === Bounces ? bounces : undefined),
    readFile: async () => Buffer.from(keys.publicKey.export({ type: 'spki', format: 'pem' })),
  });
  const { registry } = rehearsal;
  registry.commit(await registry.prepare(makePlans(configured.snapshot, [live])));
  const run = (name: string): Promise<unknown> =>
    Promise.resolve(registry.current.commands.get(`live_bounce_updates ${name}`)?.command.run([], new AbortController().signal));
  const zork = (): number => classifier.explain('550 zork').class;
  return { ...rehearsal, classifier, run, zork };
}

describe('a signed pack', () => {
  it('takes effect without a restart, and is there after one', async () => {
    publish(7, { 'bounce-rules.yaml': packOf(7, 52), 'smtp_classification.ovr': ',50,x y z\n' });
    const { run, zork, registry } = await open();
    expect(zork()).toBe(1);
    expect(await run('pull')).toBe('version 7 installed');
    expect(zork()).toBe(52);
    expect(fs.readFileSync(path.join(updates, 'smtp_classification.ovr'), 'utf8')).toBe(',50,x y z\n');
    expect(await run('status')).toMatchObject([{ version: 7, pack: 7, rules: 1, result: 'version 7 installed' }]);
    expect(await run('pull')).toBe('version 7 is the newest');
    registry.stop();
    expect(zork()).toBe(1);
    fs.rmSync(source, { recursive: true });
    const again = await open();
    expect(again.zork()).toBe(52);
  });

  it('is looked for by itself', async () => {
    publish(7, { 'bounce-rules.yaml': packOf(7, 52) });
    const { clock, zork } = await open();
    await clock.advance(3_700_000);
    await expect.poll(zork).toBe(52);
  });

  it('shows beforehand what it would change', async () => {
    publish(7, {
      'bounce-rules.yaml': `${packOf(7, 52)}  - class: 10\n    any: ['never seen before']\n    example: '550 never seen before'\n`,
    });
    const { run, zork, classifier } = await open();
    classifier.classify('550 zork 1');
    const rows = (await run('pack diff')) as { reply: string; before: number; after: number }[];
    expect(rows).toContainEqual({ reply: '550 zork 1', before: 1, after: 52 });
    expect(rows).toContainEqual({ reply: '550 never seen before', before: 1, after: 10 });
    expect(rows).toContainEqual({ reply: '554 5.7.1 <x@example.com>: Relay access denied', before: 54, after: 50 });
    expect(zork()).toBe(1);
    await run('pull');
    expect(await run('pack diff')).toBe('Version 7 is the newest.');
  });

  it('can be taken back, and older ones are thrown away', async () => {
    const { run, zork } = await open();
    for (const version of [1, 2, 3]) {
      publish(version, { 'bounce-rules.yaml': packOf(version, 50 + version) });
      await run('pull');
    }
    expect(zork()).toBe(53);
    expect(fs.readdirSync(updates).sort()).toEqual(['v2', 'v3']);
    expect(await run('rollback')).toContain('Version 2 is in force');
    expect(zork()).toBe(52);
    expect(await run('rollback')).toBe('Nothing changed: there is no older version');
  });
});

describe('another worker with the same folder', () => {
  it('follows what one of them pulls and takes back, and what cannot be used changes nothing and is said once', async () => {
    const [first, second] = [await open(), await open()];
    for (const version of [1, 2]) {
      publish(version, { 'bounce-rules.yaml': packOf(version, 50 + version) });
      await first.run('pull');
      expect(second.zork()).toBe(version === 1 ? 1 : 51);
      await second.clock.advance(2_100);
      await expect.poll(second.zork).toBe(50 + version);
    }
    expect(await second.run('status')).toMatchObject([{ version: 2, result: 'version 2 taken over from another worker' }]);
    await first.run('rollback');
    await second.clock.advance(2_100);
    await expect.poll(second.zork).toBe(51);
    fs.cpSync(path.join(updates, 'v1'), path.join(updates, 'v5'), { recursive: true });
    for (let i = 0; i < 4; i++) {
      await second.clock.advance(2_100);
      await new Promise((done) => setTimeout(done, 20));
    }
    expect(second.zork()).toBe(51);
    expect(second.said.map(({ text }) => text).filter((text) => text.includes('is not used'))).toEqual([
      'a stored bundle is not used: version 5: its manifest is that of version 1',
    ]);
  });
});

describe('nothing changes', () => {
  it.each<[string, () => void, string]>([
    [
      'for a bad signature',
      () => publish(8, { 'bounce-rules.yaml': packOf(8, 51) }, { manifest: (text) => text.replace('8', '9') }),
      'signature',
    ],
    [
      'for another key',
      () => publish(8, { 'bounce-rules.yaml': packOf(8, 51) }, { key: generateKeyPairSync('ed25519').privateKey }),
      'signature',
    ],
    [
      'for one flipped byte',
      () => {
        publish(8, { 'bounce-rules.yaml': packOf(8, 51) });
        fs.writeFileSync(path.join(source, 'bounce-rules.yaml'), packOf(8, 53));
      },
      'bounce-rules.yaml has another hash',
    ],
    [
      'for a file that is cut',
      () => {
        publish(8, { 'bounce-rules.yaml': packOf(8, 51) });
        fs.writeFileSync(path.join(source, 'bounce-rules.yaml'), 'version: 8');
      },
      'octets',
    ],
    ['for a pack that is none', () => publish(8, { 'bounce-rules.yaml': 'version: 8\nrules: [ 1 ]' }), 'rule 1'],
    ['for an older version', () => publish(6, { 'bounce-rules.yaml': packOf(6, 51) }), 'older than 7'],
    ['for a name outside of the folder', () => publish(8, { '../evil': 'x' }), 'not what a manifest has to be'],
    ['for a manifest without files', () => publish(8, {}), 'not what a manifest has to be'],
    ['for no source', () => fs.rmSync(source, { recursive: true }), 'ENOENT'],
  ])('%s', async (_why, spoil, say) => {
    publish(7, { 'bounce-rules.yaml': packOf(7, 52) });
    const { run, zork, clock, said } = await open();
    await run('pull');
    spoil();
    expect(await run('pull')).toContain(say);
    expect(zork()).toBe(52);
    await clock.advance(3_700_000);
    await expect.poll(() => said.filter(({ level }) => level === 'warning').length).toBe(1);
    expect(said.at(-1)?.text).toContain('the bounce rules stay as they are');
    expect(fs.existsSync(path.join(updates, 'v8'))).toBe(false);
  });

  it('for a stored bundle that was tampered with: the one before it counts', async () => {
    const first = await open();
    for (const version of [1, 2]) {
      publish(version, { 'bounce-rules.yaml': packOf(version, 50 + version) });
      await first.run('pull');
    }
    first.registry.stop();
    fs.writeFileSync(path.join(updates, 'v2', 'bounce-rules.yaml'), packOf(2, 10));
    const { zork, said } = await open();
    expect(zork()).toBe(51);
    expect(said.map(({ text }) => text).join()).toContain('a stored bundle is not used: version 2');
  });
});

describe('the stanza', () => {
  it.each([
    ['url = "http://rules.test/"\npublic_key = "k"', 'an https:// or file:// URL is wanted'],
    ['url = "https://rules.test/"', 'without a public key no bundle is used'],
    ['updatesdir = "updates"', 'a whole path is wanted'],
  ])('%j is refused', async (text, say) => {
    const configured = await configureText(`live_bounce_updates {\n${text}\n}`, { manifests: [live] });
    expect(configured.problems.map((problem) => problem.say)).toContain(say);
    expect(configured.ok).toBe(false);
  });

  it('without a URL does nothing', async () => {
    const { run } = await open('live_bounce_updates { }');
    expect(await run('status')).toBeUndefined();
  });

  it('with a key that is none does not start', async () => {
    keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    await expect(open()).rejects.toThrow();
  });
});
