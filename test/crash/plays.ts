/** Scripted lives of a spool: everything it can be asked, on segments so small that each step reaches the disk. */
import { VirtualClock } from '../../src/kernel/virtual-clock.js';
import { Headers } from '../../src/mail/headers.js';
import type { Copy } from '../../src/module/copy.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { makeCopies } from '../fixtures/copies.js';
import type { ForgetfulDisk } from './forgetful-disk.js';
import { recoverAll, type Truth } from './truth.js';

export const FOLDER = '/spool/parts/0';
const SMALL = { segmentBytes: 3000, outcomeBytes: 1500, backlogBytes: 1 << 20 };

export interface Stage {
  readonly spool: SegmentSpool;
  readonly clock: VirtualClock;
}

export async function openStage(disk: ForgetfulDisk): Promise<Stage> {
  const clock = new VirtualClock();
  return { clock, spool: await SegmentSpool.open({ disk, clock, folder: FOLDER, ...SMALL }) };
}

/** One script. It ends by itself or by a cut, wherever that is. */
export type Play = (disk: ForgetfulDisk, truth: Truth) => Promise<void>;

const one = (recipient: string, body?: string): Copy => {
  const [copy] = makeCopies([recipient], body === undefined ? {} : { body });
  if (!copy) throw new RangeError('no copy');
  return copy;
};

const many = async (truth: Truth, { spool }: Stage, count: number, size: number): Promise<Copy[]> => {
  const copies: Copy[] = [];
  for (let i = 0; i < count; i++) {
    const copy = one(`m${i}@many.test`, `<${i}>${'x'.repeat(size)}`);
    copies.push(copy);
    await truth.write(spool, [copy]);
  }
  return copies;
};

const begin = async (disk: ForgetfulDisk): Promise<Stage> => {
  const stage = await openStage(disk);
  await recoverAll(stage.spool);
  return stage;
};

/** Receptions of all kinds, retries, ends, a notice, a move, a purge. */
export const everyday: Play = async (disk, truth) => {
  const stage = await begin(disk);
  const { spool, clock } = stage;
  const first = one('a@one.test');
  await truth.write(spool, [first]);
  const list = makeCopies(['b@x.test', 'c@x.test', 'd@y.test', 'e@z.test', 'f@z.test']);
  const [b, c, d, e, f] = list as [Copy, Copy, Copy, Copy, Copy];
  d.headers = new Headers(Buffer.from('Subject: another block\r\n\r\n'));
  await truth.write(spool, list);
  const together = [one('g@x.test'), one('h@x.test'), one('i@x.test')];
  await Promise.all(together.map((copy) => truth.write(spool, [copy])));
  truth.change(spool, b, 1);
  truth.gone(spool, c);
  await truth.flush(spool);
  truth.change(spool, b, 2);
  truth.move(spool, d, 'moved.test');
  await clock.advance(150);
  const notice = one('alice@sender.test');
  notice.notice = true;
  await truth.replace(spool, e, notice);
  truth.gone(spool, first);
  await truth.write(spool, [one('j@x.test')]);
  await truth.purge(spool, together);
  truth.change(spool, f, 7);
  truth.gone(spool, notice);
  await truth.flush(spool);
  await spool.close();
};

/** Segments fill, are sealed, mostly end, are moved together and go. */
export const turnover: Play = async (disk, truth) => {
  const stage = await begin(disk);
  const { spool, clock } = stage;
  const copies = await many(truth, stage, 14, 500);
  for (const [i, copy] of copies.entries()) {
    if (i % 4 === 0) truth.change(spool, copy, i + 1);
    else truth.gone(spool, copy);
    if (i % 5 === 0) await truth.flush(spool);
  }
  for (let i = 0; i < 6; i++) await clock.advance(60);
  const late = await many(truth, stage, 6, 700);
  for (const copy of late.slice(0, 4)) truth.gone(spool, copy);
  const [first] = copies as [Copy];
  truth.gone(spool, first);
  for (let i = 0; i < 6; i++) await clock.advance(60);
  await truth.flush(spool);
  await many(truth, stage, 2, 900);
  for (let i = 0; i < 4; i++) await clock.advance(60);
};

/** A quiet spool: all that is written is delivered, so that segments empty and the newest is often the only one. */
export const delivered: Play = async (disk, truth) => {
  for (let life = 0; life < 3; life++) {
    const stage = await begin(disk);
    const { spool, clock } = stage;
    const copies = await many(truth, stage, 5, 800);
    for (const copy of copies) truth.gone(spool, copy);
    await clock.advance(150);
    await truth.flush(spool);
    await spool.close();
  }
};

/** Compaction fills segments whose own mail is all delivered. */
export const movedIntoEmptied: Play = async (disk, truth) => {
  const stage = await begin(disk);
  const { spool, clock } = stage;
  const old = await many(truth, stage, 12, 180);
  const own = await many(truth, stage, 2, 600);
  for (const copy of own) truth.gone(spool, copy);
  for (const [i, copy] of old.entries()) if (i % 3 !== 0) truth.gone(spool, copy);
  for (let i = 0; i < 3; i++) {
    const more = one('n@x.test', 'y'.repeat(1200));
    const writing = truth.write(spool, [more]);
    writing.catch(() => {});
    await clock.advance(20);
    await writing;
    truth.gone(spool, more);
    await clock.advance(60);
  }
  await truth.flush(spool);
};

/** A recovery that is told to stop half-way, and one that meets damage. */
export const interrupted: Play = async (disk, truth) => {
  const stage = await begin(disk);
  const copies = await many(truth, stage, 7, 500);
  const [victim, ...rest] = copies as [Copy, ...Copy[]];
  for (const copy of rest.slice(0, 3)) truth.gone(stage.spool, copy);
  await truth.flush(stage.spool);
  await stage.spool.close();
  for (let after = 0; after < 2; after++) {
    const { spool } = await openStage(disk);
    const stop = new AbortController();
    let seen = 0;
    await spool.recover(() => void (++seen > after && stop.abort()), stop.signal);
    await truth.write(spool, [one('meanwhile@x.test')]);
    await spool.close();
  }
  truth.damaged.add(victim.id);
  for (const file of disk.files().filter((name) => name.includes('/accept-'))) {
    const bytes = disk.peek(file);
    const at = bytes.indexOf('<0>xxx');
    if (at < 0) continue;
    bytes[at] = 0xff;
    disk.poke(file, bytes);
  }
  const { spool } = await openStage(disk);
  const { found } = await recoverAll(spool);
  const ticket = found.get(victim.id);
  if (ticket !== undefined) await spool.read(ticket).catch(() => {});
  await truth.write(spool, [one('after@x.test')]);
  await truth.flush(spool);
};

/** Bodies with files of their own. */
export const largeBodies: Play = async (disk, truth) => {
  const { spool, clock } = await begin(disk);
  const body = async () => {
    const large = await spool.openLarge();
    for (let i = 0; i < 3; i++) await large.write(Buffer.alloc(20_000, 65 + i));
    return large.finish({ dots: false, eightBit: false });
  };
  const copies = makeCopies(['a@x.test', 'b@x.test'], { content: await body() });
  const [a, b] = copies as [Copy, Copy];
  await truth.write(spool, copies);
  const abandoned = await spool.openLarge();
  await abandoned.write(Buffer.alloc(100));
  await abandoned.abandon();
  truth.gone(spool, a);
  await truth.flush(spool);
  const other = makeCopies(['c@x.test'], { content: await body() });
  await truth.write(spool, other);
  truth.gone(spool, b);
  await truth.flush(spool);
  await clock.advance(200);
  await spool.close();
};

/** Writes meet a disk that fails now and then (the caller's `before` makes it), and go on after it recovered. */
export const troubled: Play = async (disk, truth) => {
  const stage = await begin(disk);
  const { spool, clock } = stage;
  const copies: Copy[] = [];
  for (let i = 0; i < 12; i++) {
    const copy = one(`t${i}@x.test`, 'z'.repeat(400));
    try {
      await truth.write(spool, [copy]);
      copies.push(copy);
    } catch (error) {
      if (disk.isCut) throw error;
      await clock.advance(1100);
    }
    const [done] = copies;
    if (i % 2 === 1 && done) {
      truth.gone(spool, done);
      copies.shift();
    }
    await clock.advance(110);
  }
  for (let i = 0; i < 3 && spool.blocked !== undefined; i++) await clock.advance(1100);
  await truth.flush(spool);
};
