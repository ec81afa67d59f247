/** `celeris check` on every broken file of the fixtures: its words and its exit code. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { mainFile } from '../../test/harness/daemon.js';

describe('celeris check', () => {
  /** These need modules that only the library's own test knows, or are valid since the option is read. */
  const APART = new Set(['module-check.conf', 'not-enforced.conf', 'required-option.conf', 'two-singletons.conf', 'unknown-block.conf']);
  const folder = path.join(import.meta.dirname, '../../test/fixtures/broken');

  const check = (name: string): Promise<{ status: number | null; stdout: string; stderr: string }> =>
    new Promise((done) => {
      const child = spawn(process.execPath, [mainFile(), 'check', '-c', name], { cwd: folder });
      const said = { stdout: '', stderr: '' };
      child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk));
      child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk));
      child.on('close', (status) => done({ status, ...said }));
    });

  it('tells each broken file as expected and ends with 78', { timeout: 120_000 }, async () => {
    const names = fs.readdirSync(folder).filter((name) => name.endsWith('.conf') && !APART.has(name));
    expect(names.length).toBeGreaterThan(60);
    const wrong: string[] = [];
    for (let at = 0; at < names.length; at += 4) {
      const some = names.slice(at, at + 4);
      const runs = await Promise.all(some.map(check));
      for (const [i, { status, stdout, stderr }] of runs.entries()) {
        const name = some[i] ?? '';
        const expected = fs.readFileSync(path.join(folder, name.replace(/conf$/, 'expected')), 'utf8');
        if (stderr.replaceAll(`${folder}/`, '') !== expected || status !== 78 || stdout !== '') wrong.push(`${name}: ${status}\n${stderr}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
