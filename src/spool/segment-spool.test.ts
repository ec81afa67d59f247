import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FaultyDisk, systemError } from '../../test/crash/faulty-disk.js';
import { ForgetfulDisk, KILLED } from '../../test/crash/forgetful-disk.js';
import { recoverAll } from '../../test/crash/truth.js';
import { makeCopies, textOf } from '../../test/fixtures/copies.js';
import type { Disk } from '../kernel/disk.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { bodyOf, type Copy } from '../module/copy.js';
import type { Body } from '../module/message.js';
import { HEAD_BYTES } from './file-head.js';
import { MemorySpool } from './memory-spool.js';
import { SegmentSpool, type SpoolOptions } from './segment-spool.js';

const FOLDER = '/spool/parts/0';
const never = new AbortController().signal;

const open = async (disk: Disk, more: Partial<SpoolOptions> = {}): Promise<{ spool: SegmentSpool; clock: VirtualClock }> => {
  const clock = new VirtualClock();
  return { clock, spool: await SegmentSpool.open({ disk, clock, folder: FOLDER, segmentBytes: 3000, outcomeBytes: 1500, ...more }) };
};
const write = async (spool: SegmentSpool, body?: string): Promise<Copy> => {
  const [copy] = makeCopies(['a@x.test'], body === undefined ? {} : { body });
  if (!copy) throw new RangeError('no copy');
  await spool.write([copy]);
  return copy;
};
const segments = (disk: ForgetfulDisk): string[] => disk.files().filter((file) => file.includes('/accept-'));

describe('SegmentSpool', () => {
  it('never gives a segment number out again, though the segment is empty and gone', async () => {
    const disk = new ForgetfulDisk();
    const first = await open(disk);
    await recoverAll(first.spool);
    first.spool.gone((await write(first.spool)).ticket);
    await first.spool.close();
    const numbers = new Set(segments(disk));
    for (let life = 0; life < 3; life++) {
      // A start with nothing to do: what is empty goes.
      const { spool: idle, clock } = await open(disk);
      await recoverAll(idle);
      for (let i = 0; i < 10; i++) await clock.advance(100);
      await idle.close();
      const { spool } = await open(disk);
      // Mail that comes before anything is known, and a death before recovery tells.
      const early = await write(spool);
      const [newest] = segments(disk).filter((file) => !numbers.has(file));
      expect(newest).toBeDefined();
      numbers.add(newest ?? '');
      const { spool: next } = await open(disk.afterCut(KILLED, life));
      expect([...(await recoverAll(next)).found.keys()]).toEqual([early.id]);
      await recoverAll(spool);
      spool.gone(early.ticket);
      await spool.close();
    }
    expect(segments(disk).length).toBeLessThan(3);
  });

  it('tells every priority again after a restart, and once more after the next, and reads it back', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk);
    await recoverAll(spool);
    const copies = makeCopies(Array.from({ length: 19 }, (_, i) => `r${i}@x.test`));
    for (const [i, copy] of copies.entries()) copy.priority = i - 9;
    await spool.write(copies);
    await spool.close();
    for (let life = 0; life < 2; life++) {
      const { spool: next } = await open(disk);
      const found = new Map<number, number>();
      await next.recover((ticket, _place, _attempts, _next, _received, priority) => void found.set(ticket, priority), never);
      expect([...found.values()].toSorted((a, b) => a - b)).toEqual(copies.map(({ priority }) => priority));
      for (const [ticket, priority] of found) expect((await next.read(ticket)).priority).toBe(priority);
      await next.close();
    }
  });

  it('a recovery that is stopped forgets nothing', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk);
    await recoverAll(spool);
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push((await write(spool, 'x'.repeat(400))).id);
    const large = await spool.openLarge();
    await large.write(Buffer.alloc(5000));
    const withFile = makeCopies(['b@x.test'], { content: await large.finish({ dots: false, eightBit: false }) });
    await spool.write(withFile);
    ids.push(...withFile.map(({ id }) => id));
    await spool.close();
    for (const after of [0, 1, 7]) {
      const { spool: stopped } = await open(disk);
      const stop = new AbortController();
      let seen = 0;
      if (after === 0) stop.abort();
      await stopped.recover(() => void (++seen === after && stop.abort()), stop.signal);
      expect(seen).toBe(after);
      await stopped.close();
    }
    const { spool: last } = await open(disk);
    const { found } = await recoverAll(last);
    expect([...found.keys()].sort()).toEqual(ids.sort());
    for (const ticket of found.values()) expect((await textOf(await last.read(ticket))).length).toBeGreaterThan(0);
  });

  it('ends the message a notice was about, and not the one that has its ticket by then', async () => {
    const { spool } = await open(new ForgetfulDisk());
    await recoverAll(spool);
    const original = await write(spool);
    const [notice] = makeCopies(['n@x.test']) as [Copy];
    const writing = write(spool);
    const replacing = spool.replace([original.ticket, original.ticket + 500], [notice]);
    await spool.purge([original.ticket]);
    await replacing;
    const other = await writing;
    expect(other.ticket).toBe(original.ticket);
    for (const { id, ticket } of [notice, other]) expect(spool.find(id)).toBe(ticket);
    expect(spool.stats().messages).toBe(2);
  });

  it('a reply that is read while its segment goes is read to the end', async () => {
    const memory = new ForgetfulDisk();
    const disk = new FaultyDisk(memory);
    const { spool, clock } = await open(disk);
    await recoverAll(spool);
    const slow = await write(spool, 'x'.repeat(10_000));
    await write(spool);
    disk.fault = (call) => (call === 'readAt' ? new Promise((done) => void clock.after(500, done)) : undefined);
    const reading = spool.read(slow.ticket).catch((error: { code: string }) => error.code);
    spool.gone(slow.ticket);
    await clock.advance(400);
    await clock.advance(2000);
    expect(await reading).toBe('SPOOL_GONE');
    expect(segments(memory)).not.toContain(`${FOLDER}/accept-000000000000003.log`);
  });

  it('says so when octets changed under it, and keeps them', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk);
    await recoverAll(spool);
    const copy = await write(spool, 'a long enough text');
    for (const at of [HEAD_BYTES, HEAD_BYTES + 30]) {
      const file = await disk.open(`${FOLDER}/accept-000000000000003.log`, 'update');
      await file.writeAt([Buffer.from([0x55])], at);
      await expect(spool.read(copy.ticket)).rejects.toMatchObject({ code: 'SPOOL_DAMAGED' });
    }
    expect(disk.files().filter((name) => name.includes('/quarantine/')).length).toBe(1);
  });

  it('keeps a body without a message where a damaged or torn record may name it', async () => {
    for (const [damage, last] of [
      ['name', false],
      ['head', false],
      ['head', true],
    ] as const) {
      const disk = new ForgetfulDisk();
      const { spool } = await open(disk);
      await recoverAll(spool);
      const large = await spool.openLarge();
      await large.write(Buffer.alloc(5000));
      const content = await large.finish({ dots: false, eightBit: false });
      await spool.write(makeCopies(['b@x.test'], { content }));
      if (!last) await write(spool);
      const killed = disk.afterCut(KILLED, 1);
      const file = `${FOLDER}/accept-000000000000003.log`;
      const bytes = killed.peek(file);
      const at = damage === 'name' ? bytes.indexOf(path.basename(content.file ?? '?')) : HEAD_BYTES + 9;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      killed.poke(file, bytes);
      const bodies = (): string[] => killed.files().filter((name) => name.endsWith('.body'));
      for (let start = 0; start < 3; start++) {
        const { spool: next } = await open(killed);
        await recoverAll(next);
        await next.close();
        expect(bodies().length).toBe(1);
      }
      killed.poke(`${FOLDER}/large/nobodys.body`, Buffer.alloc(1));
      const { spool: again } = await open(killed);
      await recoverAll(again);
      // The torn end is read for names; what is damaged keeps them all.
      expect(bodies().length).toBe(last ? 1 : 2);
    }
  });

  it('does not write a checkpoint for every record once the checkpoint is large', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk, { segmentBytes: 1 << 20 });
    await recoverAll(spool);
    const copies = makeCopies(Array.from({ length: 300 }, (_, i) => `r${i}@x.test`));
    await spool.write(copies);
    const sizes = new Map<string, number>();
    for (let i = 0; i < 200; i++) {
      spool.change(copies[i]?.ticket ?? -1, 1, 2, '451 later');
      await spool.flush();
      for (const file of disk.files()) if (file.includes('outcome-')) sizes.set(file, disk.peek(file).length);
    }
    let written = 0;
    for (const size of sizes.values()) written += size;
    // Changes are 20 KB, a checkpoint is 15 KB; one every 1,500 octets would be 200 KB.
    expect(written).toBeGreaterThan(35_000);
    expect(written).toBeLessThan(100_000);
  });

  it('lets others have their turn while it recovers', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk, { segmentBytes: 1 << 22 });
    await recoverAll(spool);
    const recipients = Array.from({ length: 10 }, (_, i) => `r${i}@x.test`);
    await Promise.all(Array.from({ length: 500 }, () => spool.write(makeCopies(recipients))));
    await spool.flush();
    // Once from the segment, once from the index that the first start wrote.
    let state = disk.afterCut(KILLED, 1);
    for (const from of ['segment', 'index']) {
      const { spool: next } = await open(state, { segmentBytes: 1 << 22 });
      let turns = 0;
      let done = false;
      const count = (): void => {
        turns++;
        if (!done) setImmediate(count);
      };
      setImmediate(count);
      const { found } = await recoverAll(next);
      done = true;
      expect([from, found.size]).toEqual([from, 5000]);
      expect(turns).toBeGreaterThan(2);
      state = state.afterCut(KILLED, 2);
    }
  });

  it('a start that can put nothing into quarantine leaves the octets where they are', async () => {
    const memory = new ForgetfulDisk();
    const { spool } = await open(memory);
    await recoverAll(spool);
    const copy = await write(spool);
    const killed = memory.afterCut(KILLED, 1);
    const file = `${FOLDER}/accept-000000000000003.log`;
    const bytes = Buffer.concat([killed.peek(file), Buffer.from('torn')]);
    killed.poke(file, bytes);
    const disk = new FaultyDisk(killed);
    disk.fault = (call, name) => {
      if (call === 'open' && name.includes('quarantine')) throw systemError('ENOSPC');
    };
    const { spool: next, clock } = await open(disk);
    const { found } = await recoverAll(next);
    expect([...found.keys()]).toEqual([copy.id]);
    next.gone(found.get(copy.id) ?? -1);
    await write(next);
    await clock.advance(500);
    expect(killed.peek(file).equals(bytes)).toBe(true);
  });

  it('forgets a large body that no copy names, and not one that is in use', async () => {
    const disk = new ForgetfulDisk();
    const { spool } = await open(disk);
    await recoverAll(spool);
    const body = async (): Promise<Body> => {
      const large = await spool.openLarge();
      await large.write(Buffer.alloc(5000));
      return large.finish({ dots: false, eightBit: false });
    };
    const [used, needless] = [await body(), await body()];
    await spool.write(makeCopies(['b@x.test'], { content: used }));
    for (const content of [used, needless, bodyOf([Buffer.from('in memory')])]) spool.forget(content);
    await new Promise((done) => setImmediate(done));
    expect(disk.files().filter((file) => file.endsWith('.body'))).toEqual([used.file]);
  });

  it('refuses a folder it cannot use, an id that is none, and work after the end', async () => {
    const disk = new FaultyDisk(new ForgetfulDisk());
    disk.fault = () => {
      throw systemError('EACCES');
    };
    await expect(open(disk)).rejects.toMatchObject({ code: 'SPOOL_FORBIDDEN', message: expect.stringContaining(FOLDER) });
    disk.fault = () => {};
    const { spool } = await open(disk);
    await spool.recover(() => {}, never);
    expect(spool.find('nonsense')).toBeUndefined();
    expect(spool.find('00/00-00000-00000000')).toBeUndefined();
    await expect(spool.read(99)).rejects.toMatchObject({ code: 'SPOOL_GONE' });
    spool.gone(99);
    spool.change(99, 1, 1, '');
    spool.move(99, { group: '', binding: '', domain: '' });
    disk.fault = (call) => {
      if (call === 'open') throw systemError('EMFILE');
    };
    await expect(spool.openLarge()).rejects.toMatchObject({ code: 'SPOOL_DISK' });
    disk.fault = () => {};
    await spool.close();
    await expect(write(spool)).rejects.toMatchObject({ code: 'SPOOL_CLOSED' });
    await expect(spool.write([])).rejects.toBeInstanceOf(RangeError);
    await spool.flush();
  });

  it('works without syncing where it is told to, and tells its counts', async () => {
    const { spool } = await open(new ForgetfulDisk(), { sync: false });
    await spool.recover(() => {}, never);
    const copy = await write(spool);
    expect(spool.stats()).toMatchObject({ messages: 1, segments: 1 });
    expect(spool.stats().liveBytes).toBe(spool.stats().diskBytes - HEAD_BYTES);
    expect(spool.id(copy.ticket)).toBe(copy.id);
    expect(spool.progress).toBe(1);
  });
});

describe('MemorySpool', () => {
  it('refuses when it is told to', async () => {
    const spool = new MemorySpool();
    spool.refusing = 'test';
    await expect(spool.write(makeCopies(['a@x.test']))).rejects.toMatchObject({ code: 'SPOOL_DISK' });
    spool.change(1, 1, 1, '');
    spool.move(1, { group: '', binding: '', domain: '' });
    spool.gone(1);
    expect([spool.id(1), spool.find('x'), await spool.recover(() => {})]).toMatchObject(['', undefined, { messages: 0 }]);
    spool.onHealth();
  });
});
