/** Copies in memory only: when they are written, what a kill loses, and that it is told. */
import { describe, expect, it } from 'vitest';
import { FaultyDisk } from '../../test/crash/faulty-disk.js';
import { ForgetfulDisk, KILLED } from '../../test/crash/forgetful-disk.js';
import { recoverAll } from '../../test/crash/truth.js';
import { makeCopies, textOf } from '../../test/fixtures/copies.js';
import type { Disk } from '../kernel/disk.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import type { Copy } from '../module/copy.js';
import { SegmentSpool } from './segment-spool.js';

const FOLDER = '/spool/parts/0';
const never = new AbortController().signal;

async function open(disk: Disk) {
  const clock = new VirtualClock();
  const said: string[] = [];
  const log = (_level: string, text: string): void => void said.push(text);
  const spool = await SegmentSpool.open({ disk, clock, folder: FOLDER, segmentBytes: 3000, log });
  return { spool, clock, said };
}

const tallyOf = () => ({ inMemory: 0, forced: 0, failing: 0, withoutDisk: 0 });

function held(count: number, tally = tallyOf()): Copy[] {
  const copies = makeCopies(Array.from({ length: count }, (_, n) => `u${n}@x.test`));
  for (const copy of copies) copy.unspooled = { attempts: 3, tally };
  return copies;
}

async function turns(count = 30): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((done) => setImmediate(done));
}

describe('a held copy', () => {
  it('is written after its third failure, and not before', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk);
    await recoverAll(spool);
    const tally = tallyOf();
    const [copy] = held(1, tally) as [Copy];
    await spool.hold([copy]);
    for (const attempts of [1, 2]) {
      spool.change(copy.ticket, attempts, 5000, '451 later');
      await turns();
      expect(spool.stats().diskBytes).toBe(0);
    }
    spool.change(copy.ticket, 3, 5000, '451 later');
    await spool.flush();
    expect(tally).toEqual({ inMemory: 0, forced: 0, failing: 1, withoutDisk: 0 });
    const { spool: next } = await open(disk.afterCut(KILLED, 1));
    const { found } = await recoverAll(next);
    expect((await next.read(found.get(copy.id) ?? -1)).attempts).toBe(3);
  });

  it('is written when it is set aside', async () => {
    const { spool } = await open(new ForgetfulDisk());
    await recoverAll(spool);
    const [copy] = held(1) as [Copy];
    await spool.hold([copy]);
    spool.change(copy.ticket, 0, 2 ** 47, 'set aside');
    await spool.flush();
    expect(spool.held).toBe(0);
  });

  it('that ends, changes or moves while it is being written is found as it is', async () => {
    for (let kill = 0; kill < 25; kill++) {
      const disk = new ForgetfulDisk();
      const { spool } = await open(disk);
      await recoverAll(spool);
      const [gone, changed, moved, replaced] = held(4) as [Copy, Copy, Copy, Copy];
      await spool.hold([gone, changed, moved, replaced]);
      for (const { ticket } of [gone, changed, moved, replaced]) spool.evict(ticket);
      const [notice] = makeCopies(['alice@sender.test']) as [Copy];
      for (let turn = 0; turn < 25; turn++) {
        if (turn === kill) {
          spool.gone(gone.ticket);
          spool.change(changed.ticket, 1, 7000, 'again');
          spool.move(moved.ticket, { group: 'g', binding: 'b', domain: 'far.test' });
          await spool.replace([replaced.ticket], [notice]);
        }
        await turns(1);
      }
      await turns();
      const { spool: next } = await open(disk.afterCut(KILLED, 1));
      const { found, twice } = await recoverAll(next);
      expect(twice).toEqual([]);
      expect([...found.keys()].sort()).toEqual([changed.id, moved.id, notice.id].sort());
      expect(await next.read(found.get(changed.id) ?? -1)).toMatchObject({ attempts: 1, lastReply: 'again' });
      expect((await next.read(found.get(moved.id) ?? -1)).place.domain).toBe('far.test');
    }
  });

  it('is lost with a kill, and how many are is told once', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk);
    await recoverAll(spool);
    const copies = held(7);
    await spool.hold(copies);
    for (const { ticket } of copies.slice(0, 2)) spool.gone(ticket);
    await turns();
    const killed = disk.afterCut(KILLED, 1);
    const second = await open(killed);
    // Killed again before it told: the next one tells, with what came since.
    await second.spool.hold(held(3));
    const third = await open(killed.afterCut(KILLED, 2));
    expect((await recoverAll(third.spool)).found.size).toBe(0);
    expect(third.said).toEqual([expect.stringMatching(/^8 messages were in memory only .* lost$/)]);
    await third.spool.close();
    const fourth = await open(killed.afterCut(KILLED, 2));
    await recoverAll(second.spool);
    expect(second.said).toEqual([expect.stringMatching(/^5 messages/)]);
    await fourth.spool.close();
  });

  it('of thousands is written by an orderly end, in order of the disk', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk);
    await recoverAll(spool);
    const all: Copy[] = [];
    for (let n = 0; n < 500; n++) {
      const copies = held(3);
      await spool.hold(copies);
      all.push(...copies);
    }
    expect(disk.files()).toContain(`${FOLDER}/unspooled`);
    await spool.close();
    expect(disk.files()).not.toContain(`${FOLDER}/unspooled`);
    const { spool: next, said } = await open(disk);
    const { found } = await recoverAll(next);
    expect(said).toEqual([]);
    expect([...found.keys()].sort()).toEqual(all.map(({ id }) => id).sort());
    expect(await textOf(await next.read(found.get(all[5]?.id ?? '') ?? -1))).toBe(await textOf(all[5] as Copy));
  });

  it('stays while the disk fails and is written when it does no more', async () => {
    const disk = new FaultyDisk(new ForgetfulDisk());
    const { spool, clock, said } = await open(disk);
    await recoverAll(spool);
    const [copy] = held(1) as [Copy];
    await spool.hold([copy]);
    disk.fault = (call, file) => {
      if (call === 'datasync' && file.includes('accept-')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    spool.evict(copy.ticket);
    await turns();
    expect(spool.held).toBe(1);
    expect(said).toContainEqual(expect.stringContaining('could not be written yet'));
    expect((await spool.read(copy.ticket)).id).toBe(copy.id);
    disk.fault = () => {};
    const done = spool.writeHeld(never);
    for (let n = 0; n < 30; n++) await clock.advance(500);
    await done;
    expect(spool.held).toBe(0);
    expect((await spool.read(copy.ticket)).id).toBe(copy.id);
  });
});
