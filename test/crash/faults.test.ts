/** A disk that fails, fills up or hangs: nothing acknowledged is lost, nothing is accepted blindly, and it goes on by itself. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.js';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { VirtualClock } from '../../src/kernel/virtual-clock.js';
import type { Copy } from '../../src/module/copy.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { makeCopies } from '../fixtures/copies.js';
import { type Call, FaultyDisk, systemError } from './faulty-disk.js';
import { ForgetfulDisk, KILLED } from './forgetful-disk.js';
import { recoverAll } from './truth.js';

const FOLDER = '/spool/parts/0';
const SMALL = { segmentBytes: 16_384, outcomeBytes: 8192, backlogBytes: 100_000 };

const one = (body: string): Copy => {
  const [copy] = makeCopies(['a@x.test'], { body });
  if (!copy) throw new RangeError('no copy');
  return copy;
};

interface Stage {
  readonly memory: ForgetfulDisk;
  readonly disk: FaultyDisk;
  readonly clock: VirtualClock;
  readonly spool: SegmentSpool;
  readonly kept: Set<string>;
  readonly told: string[];
  write(size?: number): Promise<Copy>;
}

async function stage(): Promise<Stage> {
  const memory = new ForgetfulDisk();
  const disk = new FaultyDisk(memory);
  const clock = new VirtualClock();
  const told: string[] = [];
  const spool = await SegmentSpool.open({
    disk,
    clock,
    folder: FOLDER,
    ...SMALL,
    log: (level, text) => void told.push(`${level} ${text}`),
  });
  const kept = new Set<string>();
  await recoverAll(spool);
  const write = async (size = 300): Promise<Copy> => {
    const copy = one('x'.repeat(size));
    await spool.write([copy]);
    kept.add(copy.id);
    return copy;
  };
  return { memory, disk, clock, spool, kept, told, write };
}

const idsAfterCut = async (memory: ForgetfulDisk): Promise<string[]> => {
  const next = memory.afterCut({ data: 'none', garbage: false, names: 'none' }, 1);
  const spool = await SegmentSpool.open({ disk: next, clock: new VirtualClock(), folder: FOLDER, ...SMALL });
  const { found, twice } = await recoverAll(spool);
  expect(twice).toEqual([]);
  for (const ticket of found.values()) await spool.read(ticket);
  return [...found.keys()].sort();
};

const failing =
  (code: string, ...calls: readonly Call[]) =>
  (call: Call): void => {
    if (calls.includes(call)) throw systemError(code);
  };

describe('a failing disk', () => {
  const kinds: readonly (readonly [string, (call: Call) => void])[] = [
    ['EIO from datasync', failing('EIO', 'datasync')],
    ['ENOSPC from append', failing('ENOSPC', 'append')],
    ['EROFS from everything that writes', failing('EROFS', 'open', 'append', 'remove', 'syncFolder')],
    ['EDQUOT from open', failing('EDQUOT', 'open', 'append')],
  ];

  it.each(kinds)('%s: refuses with a coded problem, says so, and goes on within a second after it', async (_name, fault) => {
    const { memory, disk, clock, spool, kept, told, write } = await stage();
    const health: (string | undefined)[] = [];
    spool.onHealth(() => health.push(spool.refusing));
    const before = await write();
    const ending = await write();
    await spool.flush();
    disk.fault = fault;
    const waiting = [1, 2, 3].map(() => write());
    for (const result of await Promise.allSettled(waiting))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'SPOOL_DISK' } });
    expect(spool.refusing).toBeDefined();
    await expect(write()).rejects.toMatchObject({ code: 'SPOOL_DISK' });
    spool.change(before.ticket, 1, 99, '451 later');
    spool.gone(ending.ticket);
    kept.delete(ending.id);
    await clock.advance(150);
    expect(spool.blocked).toBeDefined();
    await clock.advance(5000);
    expect(spool.refusing).toBeDefined();
    expect(memory.files().length).toBeLessThan(20);
    disk.fault = () => {};
    await clock.advance(1001);
    expect(spool.refusing).toBeUndefined();
    expect(spool.blocked).toBeUndefined();
    expect(health.length).toBeGreaterThanOrEqual(2);
    expect(health.at(-1)).toBeUndefined();
    expect(told.some((line) => line.startsWith('error the spool cannot be written'))).toBe(true);
    await write();
    await spool.flush();
    expect(await idsAfterCut(memory)).toEqual([...kept].sort());
  });

  it('only the outcome log fails: no delivery may start, no mail is accepted, outcomes are recorded afterwards', async () => {
    const { memory, disk, clock, spool, kept, write } = await stage();
    const copies = [await write(), await write(), await write()] as const;
    await spool.flush();
    disk.fault = (call, file) => {
      if (file.includes('outcome-') && call !== 'readAt') throw systemError('EIO');
    };
    spool.gone(copies[0].ticket);
    kept.delete(copies[0].id);
    await clock.advance(150);
    expect(spool.blocked).toBeDefined();
    expect(spool.refusing).toBeDefined();
    spool.gone(copies[1].ticket);
    kept.delete(copies[1].id);
    await clock.advance(3000);
    await expect(spool.flush()).rejects.toBeDefined();
    disk.fault = () => {};
    await clock.advance(1100);
    expect(spool.blocked).toBeUndefined();
    expect(spool.refusing).toBeUndefined();
    expect(await idsAfterCut(memory)).toEqual([...kept].sort());
  });

  it('a datasync that takes 5 s: what waits is bounded, clients are told, all of it is acknowledged in the end', async () => {
    const { memory, disk, clock, spool, kept, write } = await stage();
    await write();
    disk.fault = (call, file) => (call === 'datasync' && file.includes('accept-') ? wait(clock, 5000) : undefined);
    let done = 0;
    const slow = [write()];
    await clock.advance(10);
    const results: Promise<unknown>[] = [];
    for (let i = 0; i < 300; i++) results.push(write(1000).catch((error: { code: string }) => error.code));
    await clock.advance(100);
    expect(spool.refusing).toBe('the disk is behind');
    expect(spool.backlog).toBeLessThan(SMALL.backlogBytes + 2000);
    for (const each of slow) void each.then(() => done++);
    await clock.advance(4000);
    expect(done).toBe(0);
    await clock.advance(60_000);
    const codes = await Promise.all(results);
    expect(codes.filter((code) => code === 'SPOOL_BEHIND').length).toBeGreaterThan(150);
    expect(codes.filter((code) => typeof code !== 'string').length).toBeGreaterThan(60);
    expect(done).toBe(1);
    expect(spool.refusing).toBeUndefined();
    expect(await idsAfterCut(memory)).toEqual([...kept].sort());
  });

  it('outcomes are written while a sync of their log is under way', async () => {
    const { disk, clock, spool, memory, write } = await stage();
    const copies = [await write(), await write()] as const;
    disk.fault = (call, file) => (call === 'datasync' && file.includes('outcome-') ? wait(clock, 5000) : undefined);
    spool.gone(copies[0].ticket);
    await clock.advance(110);
    const size = (): number =>
      memory
        .files()
        .filter((file) => file.includes('outcome-'))
        .reduce((sum, file) => sum + memory.peek(file).length, 0);
    const before = size();
    spool.gone(copies[1].ticket);
    await clock.advance(10);
    expect(size()).toBeGreaterThan(before);
    await clock.advance(20_000);
    expect(await idsAfterCut(memory)).toEqual([]);
  });

  it('an outcome log that fails before the start is known: nothing told is lost', async () => {
    for (const [kind, bad] of [
      ['folder', ['syncFolder']],
      ['file', ['open']],
      ['record', ['append']],
    ] as const) {
      const { memory, spool: first, write, kept } = await stage();
      const copies = [await write(), await write()] as const;
      await first.close();
      const disk = new FaultyDisk(memory);
      const clock = new VirtualClock();
      const spool = await SegmentSpool.open({ disk, clock, folder: FOLDER, ...SMALL });
      disk.fault = failing('EIO', ...bad, 'datasync');
      let release = (): void => {};
      const held = new Promise<void>((done) => {
        release = done;
      });
      const found = new Map<string, number>();
      const recovering = spool.recover((ticket) => void found.set(spool.id(ticket), ticket), new AbortController().signal);
      disk.fault = (call, file) => (call === 'openToRead' && file.includes('accept-') ? held : failing('EIO', ...bad, 'datasync')(call));
      const early = one('early');
      await spool.write([early]).catch(() => {});
      spool.change(early.ticket, 1, 1, '');
      await clock.advance(200);
      release();
      await recovering;
      expect([kind, found.size]).toEqual([kind, 2]);
      spool.gone(found.get(copies[0].id) ?? -1);
      kept.delete(copies[0].id);
      await clock.advance(200);
      expect(spool.blocked).toBeDefined();
      disk.fault = () => {};
      await clock.advance(2100);
      expect(spool.blocked).toBeUndefined();
      await spool.flush();
      expect(await idsAfterCut(memory)).toEqual([...kept].sort());
    }
  });

  it('a write that was refused does not come back, though its octets are on the medium', async () => {
    const { disk, memory, spool, clock, write, kept } = await stage();
    await write();
    disk.fault = failing('EIO', 'datasync');
    const refused = one('refused');
    await expect(spool.write([refused])).rejects.toMatchObject({ code: 'SPOOL_DISK' });
    disk.fault = () => {};
    await clock.advance(2100);
    await write();
    for (const survival of [KILLED, { data: 'all', garbage: false, names: 'all' }] as const) {
      const next = await SegmentSpool.open({ disk: memory.afterCut(survival, 1), clock: new VirtualClock(), folder: FOLDER, ...SMALL });
      expect([...(await recoverAll(next)).found.keys()].sort()).toEqual([...kept].sort());
    }
  });

  it('a full disk gives the reserve to the outcomes, and takes mail again when the reserve is back', async () => {
    const { disk, clock, memory, spool, write } = await stage();
    const first = await write();
    expect(memory.files()).toContain(`${FOLDER}/reserve`);
    disk.freeBytes = 0;
    disk.fault = (call, file) => {
      // The outcomes find room when the reserve is gone.
      if (call === 'append' && (file.includes('accept-') || memory.files().includes(`${FOLDER}/reserve`))) throw systemError('ENOSPC');
    };
    await expect(write()).rejects.toMatchObject({ code: 'SPOOL_DISK' });
    spool.gone(first.ticket);
    await clock.advance(10);
    expect(memory.files()).not.toContain(`${FOLDER}/reserve`);
    expect(spool.blocked).toBeUndefined();
    disk.fault = () => {};
    await clock.advance(3000);
    expect(spool.refusing).toBeDefined();
    disk.freeBytes = 1 << 30;
    await clock.advance(1001);
    expect(spool.refusing).toBeUndefined();
    expect(memory.files()).toContain(`${FOLDER}/reserve`);
    await write();
  });

  it('a record that cannot be moved stays, and is not tried without end', async () => {
    const { memory, disk, clock, spool, write } = await stage();
    const copies: Copy[] = [];
    for (let i = 0; i < 60; i++) copies.push(await write(500));
    let reads = 0;
    disk.fault = (call, file) => {
      if (call !== 'readAt' || !file.includes('accept-000000000000003')) return;
      reads++;
      throw systemError('EIO');
    };
    for (const [i, copy] of copies.entries()) if (i % 3 !== 0) spool.gone(copy.ticket);
    await clock.advance(3000);
    await new Promise((done) => setTimeout(done, 50));
    const size = memory.files().reduce((sum, file) => sum + memory.peek(file).length, 0);
    await clock.advance(10_000);
    expect(reads).toBeGreaterThan(0);
    expect(reads).toBeLessThan(20);
    expect(memory.files().reduce((sum, file) => sum + memory.peek(file).length, 0)).toBe(size);
    disk.fault = () => {};
    for (const copy of copies.filter((_, i) => i % 3 === 0)) expect((await spool.read(copy.ticket)).id).toBe(copy.id);
  });

  it('a start that cannot read one segment delivers the rest, and forgets nothing about that one', async () => {
    const { memory, spool, write, kept, clock } = await stage();
    const copies: Copy[] = [];
    for (let i = 0; i < 60; i++) copies.push(await write(500));
    const [ended] = copies as [Copy];
    spool.gone(ended.ticket);
    kept.delete(ended.id);
    await spool.flush();
    await clock.advance(200);
    const disk = new FaultyDisk(memory.afterCut({ data: 'none', garbage: false, names: 'none' }, 1));
    const dead = `${FOLDER}/accept-000000000000004.log`;
    disk.fault = (call, file) => {
      if (file === dead && ['datasync', 'readAt'].includes(call)) throw systemError('EIO');
    };
    const told: string[] = [];
    const second = await SegmentSpool.open({
      disk,
      clock: new VirtualClock(),
      folder: FOLDER,
      ...SMALL,
      log: (_level, text) => void told.push(text),
    });
    const { found } = await recoverAll(second);
    expect(found.size).toBeGreaterThan(20);
    for (const [id, ticket] of found) {
      kept.delete(id);
      second.gone(ticket);
    }
    await second.flush();
    await second.close();
    disk.fault = () => {};
    const third = await SegmentSpool.open({ disk, clock: new VirtualClock(), folder: FOLDER, ...SMALL });
    const { found: rest } = await recoverAll(third);
    expect([...rest.keys()].sort()).toEqual([...kept].sort());
  });

  it('a body whose mail was refused goes away', async () => {
    const { memory, disk, spool } = await stage();
    const large = await spool.openLarge();
    await large.write(Buffer.alloc(1000));
    const content = await large.finish({ dots: false, eightBit: false });
    disk.fault = failing('EIO', 'datasync');
    await expect(spool.write(makeCopies(['a@x.test'], { content }))).rejects.toMatchObject({ code: 'SPOOL_DISK' });
    await new Promise((done) => setImmediate(done));
    expect(memory.files().filter((file) => file.includes('/large/'))).toEqual([]);
    await expect(spool.openLarge().then((body) => body.finish({ dots: false, eightBit: false }))).rejects.toBeDefined();
  });
});

const wait = (clock: VirtualClock, ms: number): Promise<void> => new Promise((done) => void clock.after(ms, done));

const until = async (what: () => boolean, ms: number): Promise<number> => {
  const began = performance.now();
  while (!what()) {
    if (performance.now() - began > ms) throw new Error(`not within ${ms} ms`);
    await new Promise((done) => setTimeout(done, 10));
  }
  return performance.now() - began;
};

/** Mounting needs rights that not every place gives. */
function mayMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-mount-'));
  const tried = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (tried.status === 0) spawnSync('umount', [folder]);
  fs.rmdirSync(folder);
  return tried.status === 0;
}

const mounting = mayMount();

describe.skipIf(!mounting)(`a small tmpfs${mounting ? '' : ' (skipped: mount is not permitted here)'}`, () => {
  let folder: string;
  let spool: SegmentSpool;
  const part = (): string => path.join(folder, 'parts', '0');
  const open = (): Promise<SegmentSpool> =>
    SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder: part(), segmentBytes: 1 << 20, outcomeBytes: 1 << 18 });

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-tmpfs-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
    spool = await open();
    await recoverAll(spool);
  });
  afterEach(async () => {
    await spool.close();
    execFileSync('umount', ['-l', folder]);
    fs.rmdirSync(folder);
  });

  const fill = async (): Promise<Copy[]> => {
    const kept: Copy[] = [];
    for (let i = 0; i < 200; i++) {
      const copy = one('y'.repeat(100_000));
      try {
        await spool.write([copy]);
        kept.push(copy);
      } catch (error) {
        expect(error).toMatchObject({ code: 'SPOOL_DISK' });
        return kept;
      }
    }
    throw new Error('it never was full');
  };

  it('filled up and emptied: refuses, delivers, accepts again', async () => {
    const kept = await fill();
    expect(kept.length).toBeGreaterThan(40);
    expect(spool.refusing).toMatch(/ENOSPC/);
    await new Promise((done) => setTimeout(done, 1500));
    expect(spool.refusing).toBeDefined();
    expect(spool.blocked).toBeUndefined();
    // Deliveries go on: their ends find room in the reserve, and empty segments make room for mail.
    for (const copy of kept.splice(0, 30)) spool.gone(copy.ticket);
    await spool.flush();
    const resumed = await until(() => spool.refusing === undefined, 3000);
    console.info(`accepting again ${Math.round(resumed)} ms after room was made`);
    const [more] = makeCopies(['b@x.test']);
    if (more) await spool.write([more]);
    await spool.close();
    spool = await open();
    const { found, twice } = await recoverAll(spool);
    expect(twice).toEqual([]);
    expect([...found.keys()].sort()).toEqual([...kept.map(({ id }) => id), more?.id].sort());
    for (const ticket of found.values()) await spool.read(ticket);
  });

  it('remounted read-only and back: a start on it reads everything, refuses, blocks, and goes on by itself', async () => {
    const kept: Copy[] = [];
    for (let i = 0; i < 20; i++) {
      const copy = one('z'.repeat(20_000));
      await spool.write([copy]);
      kept.push(copy);
    }
    // The system remounts only what nobody has open for writing.
    await spool.close();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    spool = await open();
    const { found } = await recoverAll(spool);
    expect([...found.keys()].sort()).toEqual(kept.map(({ id }) => id).sort());
    expect(spool.refusing).toMatch(/EROFS/);
    expect(spool.blocked).toMatch(/EROFS/);
    await expect(spool.write([one('a')])).rejects.toMatchObject({ code: 'SPOOL_DISK' });
    await new Promise((done) => setTimeout(done, 2200));
    expect(spool.refusing).toMatch(/EROFS/);
    execFileSync('mount', ['-o', 'remount,rw', folder]);
    const resumed = await until(() => spool.refusing === undefined && spool.blocked === undefined, 2000);
    console.info(`accepting again ${Math.round(resumed)} ms after it was writable`);
    const last = one('b');
    await spool.write([last]);
    kept.push(last);
    const [gone] = kept.splice(0, 1);
    if (gone) spool.gone(found.get(gone.id) ?? -1);
    await spool.flush();
    await spool.close();
    spool = await open();
    const again = await recoverAll(spool);
    expect([...again.found.keys()].sort()).toEqual(kept.map(({ id }) => id).sort());
  });
});
