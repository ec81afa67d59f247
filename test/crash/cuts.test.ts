/** The machine stops at every single call to the disk: what was acknowledged is there, what ended is not, nothing twice. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../src/kernel/problems.js';
import { keyFrom, readFileHead } from '../../src/spool/file-head.js';
import { KIND } from '../../src/spool/frame.js';
import { scanFrames } from '../../src/spool/scan.js';
import { sketchReception } from '../../src/spool/sketch-reception.js';
import { makeCopies } from '../fixtures/copies.js';
import { ForgetfulDisk, type ForgetfulOptions, KILLED, SURVIVALS, type Survival } from './forgetful-disk.js';
import * as plays from './plays.js';
import { recoverAll, Truth } from './truth.js';

const LONG = process.env.CRASH_LONG === '1';

interface Tally {
  cuts: number;
  doubleCuts: number;
  lives: number;
}

/** Every third datasync from the eighth call on fails. */
const troubles = (): NonNullable<ForgetfulOptions['before']> => {
  let syncs = 0;
  return (call, kind) => {
    if (call > 20 && kind === 'datasync' && ++syncs % 3 === 0) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
  };
};

const all: Readonly<Record<string, { readonly play: plays.Play; readonly troubles?: boolean }>> = {
  everyday: { play: plays.everyday },
  turnover: { play: plays.turnover },
  delivered: { play: plays.delivered },
  movedIntoEmptied: { play: plays.movedIntoEmptied },
  interrupted: { play: plays.interrupted },
  largeBodies: { play: plays.largeBodies },
  troubled: { play: plays.troubled, troubles: true },
};

async function perform(play: plays.Play, options: ForgetfulOptions): Promise<{ readonly disk: ForgetfulDisk; readonly truth: Truth }> {
  const disk = new ForgetfulDisk(options);
  const truth = new Truth();
  try {
    await play(disk, truth);
  } catch (error) {
    if (!disk.isCut) throw error;
  }
  return { disk, truth };
}

/** A start after a cut: mail comes in at once, recovery runs, one message ends, more mail; cut again; and once more. */
async function relive(disk: ForgetfulDisk, before: Truth, seed: number, tally: Tally): Promise<string[]> {
  const truth = before.branch();
  let now = disk;
  for (let life = 0; life < 2; life++) {
    tally.lives++;
    const { spool, clock } = await plays.openStage(now);
    const early = makeCopies([`early${life}@life.test`]);
    const writing = truth.write(spool, early);
    const { found, twice } = await recoverAll(spool);
    await writing;
    for (const copy of early) found.set(copy.id, copy.ticket);
    const faults = await truth.faults(spool, found, twice);
    if (faults.length > 0) return faults.map((fault) => `life ${life}: ${fault}`);
    await truth.settle(spool, found);
    const [leaving] = early;
    await truth.write(spool, makeCopies([`late${life}@life.test`, `later${life}@life.test`]));
    if (leaving && seed % 2 === 0) truth.gone(spool, leaving);
    await truth.flush(spool);
    await clock.advance(120);
    now = now.afterCut(SURVIVALS[(seed + life) % SURVIVALS.length] ?? KILLED, seed + life);
  }
  return [];
}

/** The start after a cut is cut itself, at one of its calls; then the machine comes up for good. */
async function cutTwice(disk: ForgetfulDisk, before: Truth, survival: Survival | typeof KILLED, at: number, seed: number, tally: Tally) {
  const truth = before.branch();
  const second = disk.afterCut(survival, seed, { cutAt: at });
  try {
    const { spool, clock } = await plays.openStage(second);
    const early = makeCopies(['between@cuts.test']);
    const writing = truth.write(spool, early);
    writing.catch(() => {});
    await recoverAll(spool);
    await writing;
    await clock.advance(200);
  } catch (error) {
    if (!second.isCut) throw error;
  }
  if (!second.isCut) return { faults: [], ended: true };
  tally.doubleCuts++;
  const faults = await relive(second.afterCut(SURVIVALS[(seed + at) % SURVIVALS.length] ?? KILLED, seed + at), truth, seed, tally);
  return { faults: faults.map((fault) => `second cut at ${at}: ${fault}`), ended: false };
}

async function cutEverywhere(name: string, withoutSync: boolean): Promise<{ readonly faults: string[]; readonly tally: Tally }> {
  const script = all[name];
  if (!script) throw new RangeError(name);
  const tally: Tally = { cuts: 0, doubleCuts: 0, lives: 0 };
  const faults: string[] = [];
  const options = (): ForgetfulOptions => ({ withoutSync, ...(script.troubles ? { before: troubles() } : {}) });
  const { disk: whole } = await perform(script.play, options());
  for (let cutAt = 1; cutAt <= whole.calls + 1; cutAt++) {
    const { disk, truth } = await perform(script.play, { ...options(), cutAt });
    tally.cuts++;
    const ways: (Survival | typeof KILLED)[] = [...SURVIVALS, KILLED];
    const chosen = LONG ? ways : [0, 3, 5].map((step) => ways[(cutAt + step) % ways.length] ?? KILLED);
    for (const [n, survival] of chosen.entries()) {
      const seen = await relive(disk.afterCut(survival, cutAt * 31 + n), truth, cutAt, tally);
      faults.push(...seen.map((fault) => `cut at ${cutAt}, ${JSON.stringify(survival)}: ${fault}`));
    }
    const step = LONG ? 1 : 7;
    for (let at = 1 + (cutAt % step); ; at += step) {
      const { faults: seen, ended } = await cutTwice(disk, truth, ways[(cutAt + at) % ways.length] ?? KILLED, at, cutAt, tally);
      faults.push(...seen.map((fault) => `cut at ${cutAt}: ${fault}`));
      if (ended) break;
    }
    if (faults.length > 20) break;
  }
  return { faults, tally };
}

describe('a cut at every call', () => {
  for (const name of Object.keys(all)) {
    it(`keeps its promises: ${name}`, { timeout: LONG ? 1_800_000 : 60_000 }, async () => {
      const { faults, tally } = await cutEverywhere(name, false);
      console.info(`${name}: ${tally.cuts} cuts, ${tally.doubleCuts} second cuts, ${tally.lives} starts`);
      expect(faults.slice(0, 20)).toEqual([]);
      expect(tally.cuts).toBeGreaterThan(20);
    });
  }

  it('finds a spool out that does not sync', { timeout: 60_000 }, async () => {
    const { faults } = await cutEverywhere('everyday', true).catch((error: unknown) => ({ faults: [codeOf(error)] }));
    expect(faults.some((fault) => fault.includes('was acknowledged and is not there'))).toBe(true);
  });

  it('reaches everything a spool does: rotation, compaction, removal, quarantine, trouble', async () => {
    const seen = new Set<string>();
    for (const [name, script] of Object.entries(all)) {
      const fails = script.troubles ? troubles() : undefined;
      const { disk } = await perform(script.play, {
        before: (call, kind, file) => {
          seen.add(
            `${kind} ${path.basename(path.dirname(file))}/${path
              .basename(file)
              .replace(/\d+/, 'n')
              .replace(/^[^.]*\.body$/, 'body')}`,
          );
          try {
            fails?.(call, kind, file);
          } catch (error) {
            seen.add(`failed ${kind}`);
            throw error;
          }
        },
      });
      for (const file of disk.files().filter((each) => each.includes('/accept-')))
        await scanFrames(readFileHead(disk.peek(file))?.key ?? keyFrom(Buffer.alloc(8)), disk.peek(file), {
          frame(_offset, { kind }, meta) {
            if (kind !== KIND.reception) return true;
            const { movedFrom, ends } = sketchReception(meta);
            if (movedFrom !== undefined) seen.add(`moved in ${name}`);
            if (ends.length > 0) seen.add('notice');
            return true;
          },
          damaged: () => {},
        });
      if (disk.files().some((file) => file.includes('/quarantine/'))) seen.add(`quarantine in ${name}`);
    }
    expect([...seen]).toEqual(
      expect.arrayContaining([
        'remove 0/accept-n.log',
        'remove 0/outcome-n.log',
        'remove large/body',
        'syncFolder parts/n',
        'failed datasync',
        'moved in movedIntoEmptied',
        'quarantine in interrupted',
        'notice',
        'truncate 0/accept-n.log',
      ]),
    );
  });
});
