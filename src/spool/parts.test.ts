import { describe, expect, it } from 'vitest';
import { ForgetfulDisk, KILLED } from '../../test/crash/forgetful-disk.js';
import { makeCopies, textOf } from '../../test/fixtures/copies.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import type { Copy } from '../module/copy.js';
import { findFolders, listParts } from './parts.js';
import { SegmentSpool } from './segment-spool.js';

const never = new AbortController().signal;
const one = (recipient = 'a@x.test', wishes: Parameters<typeof makeCopies>[1] = {}): Copy => {
  const [copy] = makeCopies([recipient], wishes);
  if (!copy) throw new RangeError('no copy');
  return copy;
};
const openAs = async (disk: ForgetfulDisk, worker: number, workers: number) => {
  const clock = new VirtualClock();
  const folders = await findFolders(disk, '/spool', worker, workers);
  const spool = await SegmentSpool.open({ disk, clock, folders, segmentBytes: 3000, outcomeBytes: 4000 });
  const found = new Map<string, number>();
  const quarantined = new Set<string>();
  await spool.recover((ticket, _place, _attempts, _next, _received, _priority, isQuarantined) => {
    found.set(spool.id(ticket), ticket);
    if (isQuarantined) quarantined.add(spool.id(ticket));
  }, never);
  return { spool, clock, found, quarantined };
};

describe('findFolders', () => {
  it('gives every part exactly one reader, whatever the number of workers was before', async () => {
    const disk = new ForgetfulDisk();
    expect(await findFolders(disk, '/spool')).toEqual(['/spool/parts/0']);
    for (const part of ['0', '1', '2', '3', '10', 'lost+found', '123456']) await disk.makeFolder(`/spool/parts/${part}`);
    expect(await listParts(disk, '/spool')).toEqual([0, 1, 2, 3, 10]);
    expect(await findFolders(disk, '/spool')).toEqual([0, 1, 2, 3, 10].map((part) => `/spool/parts/${part}`));
    for (const workers of [1, 2, 3, 4, 7, 12]) {
      const read = await Promise.all(Array.from({ length: workers }, (_, worker) => findFolders(disk, '/spool', worker, workers)));
      for (const [worker, folders] of read.entries()) expect(folders[0]).toBe(`/spool/parts/${worker}`);
      const all = read.flat();
      expect(new Set(all).size).toBe(all.length);
      for (const part of [0, 1, 2, 3, 10]) expect(all).toContain(`/spool/parts/${part}`);
    }
  });
});

describe('a spool of several parts', () => {
  it('reads what other workers left, ends and keeps it there, and writes to its own part only', async () => {
    const disk = new ForgetfulDisk();
    const left: Copy[] = [];
    for (const worker of [0, 1, 2]) {
      const { spool } = await openAs(disk, worker, 3);
      const large = await spool.openLarge();
      await large.write(Buffer.alloc(5000, 65 + worker));
      left.push(one('l@x.test', { content: await large.finish({ dots: false, eightBit: false }) }), one(), one(), one());
      for (const copy of left.slice(-4)) await spool.write([copy]);
      await spool.close();
    }
    const { spool, clock, found } = await openAs(disk, 0, 1);
    expect([...found.keys()].sort()).toEqual(left.map(({ id }) => id).sort());
    expect(new Set(found.values()).size).toBe(left.length);
    const before = new Set(disk.files());
    const own = one();
    await spool.write([own]);
    const fresh = disk.files().filter((file) => !before.has(file) && file.includes('/accept-'));
    expect(fresh.length).toBeGreaterThan(0);
    for (const file of fresh) expect(file).toContain('/parts/0/');
    for (const copy of left) expect(await textOf(await spool.read(found.get(copy.id) ?? -1))).toBe(await textOf(copy));
    // A large body of another part in a message of our own is brought along.
    const [, , , , theirs] = left as [Copy, Copy, Copy, Copy, Copy];
    const copyOfTheirs = one('again@x.test', { content: (await spool.read(found.get(theirs.id) ?? -1)).content });
    await spool.write([copyOfTheirs]);
    spool.change(found.get(theirs.id) ?? -1, 4, 1_900_000_000_000, '451 later');
    // A notice and the end it is about are one frame, in the part of the mail that failed.
    const failed = left.at(-1) as Copy;
    const notice = one('n@x.test');
    await spool.replace([found.get(failed.id) ?? -1], [notice]);
    for (const copy of left.slice(0, 4)) spool.gone(found.get(copy.id) ?? -1);
    await spool.flush();
    const cut = disk.afterCut({ data: 'none', garbage: false, names: 'none' }, 1);
    const next = await openAs(cut, 0, 2);
    const other = await openAs(cut, 1, 2);
    // Two workers: part 2 belongs to the first one, part 1 to the second.
    expect([...next.found.keys()].sort()).toEqual([own, copyOfTheirs, ...left.slice(8, 11), notice].map(({ id }) => id).sort());
    expect([...other.found.keys()].sort()).toEqual(
      left
        .slice(4, 8)
        .map(({ id }) => id)
        .sort(),
    );
    expect(await other.spool.read(other.found.get(theirs.id) ?? -1)).toMatchObject({ attempts: 4, lastReply: '451 later' });
    expect(await textOf(await next.spool.read(next.found.get(copyOfTheirs.id) ?? -1))).toContain('BBBB');
    await clock.advance(100);
  });

  it('says which mail was set aside, from the record and from the index', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await openAs(disk, 0, 1);
    const [plain, aside] = [one(), one()];
    aside.quarantine('looks bad');
    await spool.write([plain, aside]);
    for (const look of [1, 2, 3]) {
      const { quarantined, clock } = await openAs(disk.afterCut(KILLED, look), 0, 1);
      expect([...quarantined]).toEqual([aside.id]);
      const again = await openAs(disk, 0, 1);
      await clock.advance(100);
      await again.clock.advance(100);
    }
  });

  it('is not opened when a part cannot be used, nor without a folder', async () => {
    const disk = new ForgetfulDisk();
    const clock = new VirtualClock();
    await disk.makeFolder('/spool/parts/1');
    disk.poke('/spool/parts/1/accept-0000000001.log', Buffer.from('of format 1'));
    await expect(SegmentSpool.open({ disk, clock, folders: ['/spool/parts/0', '/spool/parts/1'] })).rejects.toMatchObject({
      code: 'SPOOL_WRONG_FORMAT',
      message: expect.stringContaining(
        '/spool/parts/1/accept-0000000001.log was written by a spool of format 1; this daemon reads format 2',
      ),
    });
    await expect(SegmentSpool.open({ disk, clock })).rejects.toBeInstanceOf(RangeError);
  });
});
