import { describe, expect, it } from 'vitest';
import { FaultyDisk } from '../../test/crash/faulty-disk.js';
import { ForgetfulDisk, KILLED, type Survival } from '../../test/crash/forgetful-disk.js';
import { recoverAll } from '../../test/crash/truth.js';
import { makeCopies, textOf } from '../../test/fixtures/copies.js';
import type { Disk } from '../kernel/disk.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import type { Copy } from '../module/copy.js';
import { SegmentSpool } from './segment-spool.js';

const FOLDER = '/spool/parts/0';
const SYNCED: Survival = { data: 'none', garbage: false, names: 'none' };

const open = async (disk: Disk): Promise<{ spool: SegmentSpool; clock: VirtualClock }> => {
  const clock = new VirtualClock();
  return { clock, spool: await SegmentSpool.open({ disk, clock, folder: FOLDER, segmentBytes: 3000, outcomeBytes: 1 << 20 }) };
};
const one = (body?: string): Copy => {
  const [copy] = makeCopies(['a@x.test'], body === undefined ? {} : { body });
  if (!copy) throw new RangeError('no copy');
  return copy;
};
/** Many messages in one segment, since they come at once. */
const writeTogether = async (spool: SegmentSpool, count: number): Promise<Copy[]> => {
  const copies = Array.from({ length: count }, (_, i) => one(`number ${i}`));
  await Promise.all(copies.map((copy) => spool.write([copy])));
  return copies;
};
const ids = (copies: readonly Copy[]): string[] => copies.map(({ id }) => id).sort();

describe('compaction', () => {
  it('keeps what it moved though the segment it went to is full before all is moved', async () => {
    const disk = new ForgetfulDisk();
    const { spool, clock } = await open(disk);
    await recoverAll(spool);
    const copies = await writeTogether(spool, 400);
    await spool.write([one()]);
    const kept = copies.filter((_, i) => i % 5 < 2);
    for (const [i, copy] of copies.entries()) if (i % 5 >= 2) spool.gone(copy.ticket);
    for (let i = 0; i < 40; i++) await clock.advance(100);
    expect(disk.files()).not.toContain(`${FOLDER}/accept-000000000000003.log`);
    for (const copy of kept) expect(await textOf(await spool.read(copy.ticket))).toBe(await textOf(copy));
    await spool.flush();
    const { spool: next } = await open(disk.afterCut(SYNCED, 1));
    const { found, twice } = await recoverAll(next);
    expect(twice).toEqual([]);
    for (const copy of kept) expect(await textOf(await next.read(found.get(copy.id) ?? -1))).toBe(await textOf(copy));
    expect(found.size).toBe(kept.length + 1);
  });

  it('leaves what cannot be read, and the rest counts once, now and after a start', async () => {
    const disk = new ForgetfulDisk();
    const { spool, clock } = await open(disk);
    await recoverAll(spool);
    const copies = await writeTogether(spool, 40);
    await spool.write([one()]);
    const file = await disk.open(`${FOLDER}/accept-000000000000003.log`, 'update');
    const at = disk.peek(`${FOLDER}/accept-000000000000003.log`).indexOf('number 39');
    await file.writeAt([Buffer.from('N')], at);
    const kept = copies.slice(25);
    for (const copy of copies.slice(0, 25)) spool.gone(copy.ticket);
    for (let i = 0; i < 10; i++) await clock.advance(100);
    const [damaged] = copies.slice(39) as [Copy];
    await expect(spool.read(damaged.ticket)).rejects.toMatchObject({ code: 'SPOOL_DAMAGED' });
    for (const copy of kept.slice(0, -1)) expect((await spool.read(copy.ticket)).id).toBe(copy.id);
    expect(disk.files()).toContain(`${FOLDER}/accept-000000000000003.log`);
    await spool.flush();
    const { spool: next } = await open(disk.afterCut(SYNCED, 1));
    const { found, twice } = await recoverAll(next);
    expect(twice).toEqual([]);
    expect(found.size).toBe(kept.length + 1);
    for (const copy of kept.slice(0, -1)) expect((await next.read(found.get(copy.id) ?? -1)).id).toBe(copy.id);
  });

  it('does not move what ends with a group that is on its way', async () => {
    const memory = new ForgetfulDisk();
    const disk = new FaultyDisk(memory);
    const { spool, clock } = await open(disk);
    await recoverAll(spool);
    const copies = await writeTogether(spool, 40);
    await spool.write([one()]);
    disk.fault = (call, file) =>
      call === 'datasync' && file.includes('accept-') ? new Promise((done) => void clock.after(10_000, done)) : undefined;
    for (const copy of copies.slice(0, 25)) spool.gone(copy.ticket);
    // The moved copies are being synced when the notice comes.
    for (let i = 0; i < 10; i++) await clock.advance(1);
    const [failed] = copies.slice(30) as [Copy];
    const notice = one('notice');
    const replacing = spool.replace([failed.ticket], [notice]);
    // Now they are durable, and the group with the notice is under way.
    await clock.advance(12_000);
    await spool.flush();
    let state: ForgetfulDisk | undefined;
    void replacing.then(() => {
      state = memory.afterCut(SYNCED, 1);
    });
    for (let i = 0; i < 5 && !state; i++) await clock.advance(10_000);
    await replacing;
    const { spool: next } = await open(state ?? memory);
    const { found, twice } = await recoverAll(next);
    expect(twice).toEqual([]);
    expect(found.has(notice.id)).toBe(true);
    expect(found.has(failed.id)).toBe(false);
  });

  it('takes over in slices: what becomes of a copy meanwhile holds, whenever the daemon is killed', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk);
    await recoverAll(spool);
    const copies = await writeTogether(spool, 6000);
    await spool.write([one()]);
    const alive = copies.filter((_, i) => i % 5 < 2);
    for (const [i, copy] of copies.entries()) if (i % 5 >= 2) spool.gone(copy.ticket);
    const first = `${FOLDER}/accept-000000000000003.log`;
    const cuts: { disk: ForgetfulDisk; kept: number; changed: Copy | undefined; moved: Copy | undefined; turn: number }[] = [];
    let changed: Copy | undefined;
    let moved: Copy | undefined;
    for (let turn = 0; turn < 3000 && disk.files().includes(first); turn++) {
      await new Promise((done) => setImmediate(done));
      cuts.push({ disk: disk.afterCut(KILLED, turn), kept: alive.length, changed, moved, turn });
      // The oldest are taken over first: both sides of the border end, change and move.
      const [gone, purged] = [...alive.splice(0, 1), ...alive.splice(-1, 1)] as [Copy, Copy];
      [changed, moved] = [alive[0], alive.at(-1)];
      spool.gone(gone.ticket);
      void spool.purge([purged.ticket]);
      spool.change(changed?.ticket ?? -1, 2 + turn, 5000, 'later');
      spool.move(moved?.ticket ?? -1, { group: 'g', binding: 'b', domain: `d${1 + turn}.test` });
    }
    // Taking over falls into these turns; before them copies are only written.
    for (const cut of cuts.slice(120, 190)) {
      const { spool: next } = await open(cut.disk);
      const { found, twice } = await recoverAll(next);
      expect(twice).toEqual([]);
      expect(found.size).toBe(cut.kept + 1);
      expect((await next.read(found.get(cut.changed?.id ?? '') ?? -1)).attempts).toBe(1 + cut.turn);
      expect((await next.read(found.get(cut.moved?.id ?? '') ?? -1)).place.domain).toBe(`d${cut.turn}.test`);
    }
    expect(cuts.length).toBeGreaterThan(100);
  });

  it('goes on after the disk failed under it', async () => {
    const memory = new ForgetfulDisk();
    const disk = new FaultyDisk(memory);
    const { spool, clock } = await open(disk);
    await recoverAll(spool);
    const copies = await writeTogether(spool, 200);
    await spool.write([one()]);
    let syncs = 0;
    disk.fault = (call, file) => {
      if (call === 'datasync' && file.includes('accept-') && ++syncs === 2) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    for (const copy of copies.slice(0, 110)) spool.gone(copy.ticket);
    for (let i = 0; i < 60; i++) await clock.advance(100);
    expect(memory.files()).not.toContain(`${FOLDER}/accept-000000000000003.log`);
    await spool.flush();
    const { spool: next } = await open(memory.afterCut(SYNCED, 1));
    const { found, twice } = await recoverAll(next);
    expect(twice).toEqual([]);
    for (const id of ids(copies.slice(110))) expect(found.has(id)).toBe(true);
    expect(found.size).toBe(91);
  });
});

describe('a body with a file', () => {
  it('is there as long as its message may come back', async () => {
    const base = new ForgetfulDisk();
    const disk = new FaultyDisk(base);
    const { spool } = await open(disk);
    await recoverAll(spool);
    const large = await spool.openLarge();
    await large.write(Buffer.alloc(5000, 65));
    const [copy] = makeCopies(['b@x.test'], { content: await large.finish({ dots: false, eightBit: false }) }) as [Copy];
    const copies = [copy, ...makeCopies(['c@x.test'], { content: copy.content })];
    await spool.write(copies);
    await spool.flush();
    // Killed before the removal could sync: the end is seen, and not durable.
    disk.fault = (call, file) => (call === 'datasync' && file.includes('outcome-') ? new Promise(() => {}) : undefined);
    for (const { ticket } of copies) spool.gone(ticket);
    await new Promise((done) => setTimeout(done, 5));
    const text = await textOf(copy);
    let returned = 0;
    for (let cutAt = 1; cutAt < 60; cutAt++) {
      const killed = base.afterCut(KILLED, 1, { cutAt });
      await open(killed)
        .then((stage) => recoverAll(stage.spool))
        .catch(() => {});
      const { spool: last } = await open(killed.afterCut({ data: 'none', garbage: false, names: 'all' }, 1));
      const { found } = await recoverAll(last);
      for (const ticket of found.values()) {
        returned++;
        expect(await textOf(await last.read(ticket))).toBe(text);
      }
    }
    expect(returned).toBeGreaterThan(0);
  });
});
