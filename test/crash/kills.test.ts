/** A real process on the real disk, killed at any moment, again and again on the same spool. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.js';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { buildWhenStale, findRoot } from '../../src/tools/build.js';
import { recoverAll } from './truth.js';

const LONG = process.env.CRASH_LONG === '1';
const KILLS = Number(process.env.KILLS ?? (LONG ? 1000 : 50));
const program = path.join(findRoot(), 'dist', 'test', 'crash', 'killed.js');

interface Life {
  readonly found: readonly string[] | undefined;
  readonly bad: readonly string[];
  readonly kept: readonly string[];
  /** Id and wall milliseconds of its end. */
  readonly ending: ReadonlyMap<string, number>;
  readonly ended: readonly string[];
  readonly killedAt: number;
  readonly complaints: string;
}

/** Lets a process live until `when` resolves, and reads what it said. */
async function live(root: string, mode: string, when: (heard: () => string) => Promise<void>): Promise<Life> {
  const child = spawn(process.execPath, [program, root, mode], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => void chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const over = new Promise<void>((done) => child.once('close', () => done()));
  await when(() => chunks.at(-1)?.toString('latin1') ?? '');
  child.kill('SIGKILL');
  const killedAt = Date.now();
  await over;
  const lines = Buffer.concat(chunks).toString('latin1').split('\n');
  // The last line may be cut short.
  lines.pop();
  const words = (sign: string): string[] =>
    lines.filter((line) => line.startsWith(sign)).flatMap((line) => line.slice(sign.length).split(' ').filter(Boolean));
  const ending = new Map<string, number>();
  for (const line of lines) {
    if (!line.startsWith('~')) continue;
    const [at = '', ...ids] = line.slice(1).split(' ');
    for (const id of ids) ending.set(id, Number(at));
  }
  return {
    found: lines.some((line) => line.startsWith('F')) ? words('F ') : undefined,
    bad: words('B '),
    kept: words('+'),
    ending,
    ended: words('-'),
    killedAt,
    complaints,
  };
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe('SIGKILL', () => {
  let root: string;

  beforeAll(() => {
    const { errors } = buildWhenStale(findRoot());
    if (!fs.existsSync(program)) throw new Error(`${program} is not there:\n${errors.join('\n')}`);
  }, 120_000);
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-kill-'));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const look = async (): Promise<{ readonly ids: Set<string>; readonly twice: readonly string[] }> => {
    const spool = await SegmentSpool.open({
      disk: nodeDisk,
      clock: systemClock,
      folder: path.join(root, 'parts', '0'),
      segmentBytes: 1 << 18,
      outcomeBytes: 1 << 16,
    });
    const { found, twice } = await recoverAll(spool);
    await spool.close();
    return { ids: new Set(found.keys()), twice };
  };

  it(`under load, ${KILLS} times: what was acknowledged is there, what ended in the file is not`, {
    timeout: KILLS > 100 ? 1_800_000 : 120_000,
  }, async () => {
    const kept = new Set<string>();
    const ended = new Set<string>();
    const open = new Map<string, number>();
    const faults: string[] = [];
    let repeats = 0;
    let widest = 0;
    let acknowledged = 0;
    const check = (found: readonly string[], when: string): void => {
      const there = new Set(found);
      if (there.size !== found.length) faults.push(`${when}: ${found.length - there.size} twice`);
      for (const id of kept) if (!there.has(id) && !open.has(id)) faults.push(`${when}: ${id} is lost`);
      for (const id of ended) if (there.has(id)) faults.push(`${when}: ${id} had ended`);
      for (const [id, early] of open) {
        if (!there.has(id)) continue;
        repeats++;
        widest = Math.max(widest, early);
      }
      // What was not decided is now.
      for (const id of open.keys()) {
        if (there.has(id)) kept.add(id);
        else kept.delete(id);
      }
      open.clear();
      ended.clear();
    };
    for (let kill = 0; kill < KILLS; kill++) {
      const life = await live(root, 'load', async (heard) => {
        // Each fifth at any moment of the start, the others while they work, however slow the machine is.
        if (kill % 5 !== 0) for (let waited = 0; heard() === '' && waited < 5000; waited += 5) await sleep(5);
        await sleep(Math.random() * 200);
      });
      if (life.complaints !== '') faults.push(life.complaints.slice(0, 500));
      if (life.bad.length > 0) faults.push(`kill ${kill}: ${life.bad.join(' ')} have other octets`);
      if (life.found)
        check(
          life.found.filter((id) => kept.has(id) || ended.has(id) || open.has(id)),
          `kill ${kill}`,
        );
      for (const id of life.kept) kept.add(id);
      acknowledged += life.kept.length;
      for (const id of life.ended) {
        kept.delete(id);
        open.delete(id);
        ended.add(id);
      }
      const over = new Set(life.ended);
      for (const [id, at] of life.ending) if (!over.has(id)) open.set(id, life.killedAt - at);
      if (faults.length > 10) break;
    }
    const { ids, twice } = await look();
    expect(twice).toEqual([]);
    check(
      [...ids].filter((id) => kept.has(id) || ended.has(id) || open.has(id)),
      'in the end',
    );
    console.info(`${KILLS} kills, ${acknowledged} acknowledged, ${repeats} repeats, the oldest told ${widest} ms before its kill`);
    expect(faults.slice(0, 10)).toEqual([]);
    expect(acknowledged).toBeGreaterThan(KILLS * 10);
  });

  it('with reception idle and 10,000 ends a second: nothing comes back that was told a turn before', { timeout: 60_000 }, async () => {
    const life = await live(root, 'outcomes', async (heard) => {
      for (let waited = 0; !heard().includes('ready') && !heard().startsWith('~') && !heard().startsWith('-'); waited += 5) {
        if (waited > 30_000) throw new Error('it never was ready');
        await sleep(5);
      }
      await sleep(700 + Math.random() * 800);
    });
    expect(life.complaints).toBe('');
    const { ids, twice } = await look();
    expect(twice).toEqual([]);
    const over = new Set(life.ended);
    expect(life.kept.filter((id) => !ids.has(id) && !life.ending.has(id))).toEqual([]);
    expect(life.ended.filter((id) => ids.has(id))).toEqual([]);
    const again = [...life.ending].filter(([id]) => ids.has(id));
    console.info(`${life.ending.size} ends told, ${over.size} in the file, ${again.length} came back`);
    expect(life.ending.size).toBeGreaterThan(5000);
    for (const [, at] of again) expect(life.killedAt - at).toBeLessThan(100);
    expect(again.length).toBeLessThan(1000);
  });
});
