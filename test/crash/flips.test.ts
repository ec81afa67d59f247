/** Damage: every octet of a recorded segment and of its outcome log is changed in turn, and no message is ever another one. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/kernel/virtual-clock.js';
import { bodyOf, type Copy } from '../../src/module/copy.js';
import { encodeReception } from '../../src/spool/encode-reception.js';
import { type FrameKey, HEAD_BYTES, keyFrom, readFileHead } from '../../src/spool/file-head.js';
import { KIND, markFrame } from '../../src/spool/frame.js';
import { idText } from '../../src/spool/id-octets.js';
import { scanFrames } from '../../src/spool/scan.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { sketchReception } from '../../src/spool/sketch-reception.js';
import { readWhole } from '../../src/spool/small-file.js';
import { makeCopies, textOf } from '../fixtures/copies.js';
import { ForgetfulDisk, KILLED, seeded } from './forgetful-disk.js';
import { recoverAll } from './truth.js';

const LONG = process.env.CRASH_LONG === '1';
const FOLDER = '/spool/parts/0';
const SEGMENT = `${FOLDER}/accept-000000000000003.log`;
const open = (disk: ForgetfulDisk): Promise<SegmentSpool> =>
  SegmentSpool.open({ disk, clock: new VirtualClock(), folder: FOLDER, segmentBytes: 1 << 20 });

interface Recorded {
  readonly disk: ForgetfulDisk;
  readonly texts: ReadonlyMap<string, string>;
  readonly ended: ReadonlySet<string>;
  readonly together: ReadonlyMap<string, readonly string[]>;
}

/** A segment of 64 KiB that has no index: the daemon was killed. Some messages ended, some were tried. */
async function record(octets: number): Promise<Recorded> {
  const disk = new ForgetfulDisk();
  const spool = await open(disk);
  const texts = new Map<string, string>();
  const together = new Map<string, readonly string[]>();
  const ended = new Set<string>();
  const random = seeded(7);
  await recoverAll(spool);
  let last: Copy | undefined;
  for (let n = 0; spool.stats().diskBytes < octets; n++) {
    const body = Buffer.from(Array.from({ length: Math.floor(random() * 2500) }, () => 32 + Math.floor(random() * 90))).toString('latin1');
    const recipients = Array.from({ length: 1 + (n % 3) }, (_, i) => `r${n}-${i}@x${i}.test`);
    const copies = makeCopies(recipients, { body });
    await spool.write(copies);
    for (const copy of copies) {
      texts.set(copy.id, `${String(copy.recipient)}\n${await textOf(copy)}`);
      together.set(
        copy.id,
        copies.map(({ id }) => id),
      );
    }
    const [first] = copies;
    if (n % 4 === 1 && first) {
      spool.gone(first.ticket);
      ended.add(first.id);
    }
    if (n % 4 === 2 && last) spool.change(last.ticket, n, 1, '451 later');
    last = copies.at(-1);
    if (n % 5 === 0) await spool.flush();
  }
  await spool.flush();
  // Some of the zeros that are written ahead.
  disk.poke(SEGMENT, disk.peek(SEGMENT).subarray(0, spool.stats().diskBytes + 100));
  return { disk, texts, ended, together };
}

async function revive(disk: ForgetfulDisk): Promise<{
  readonly found: ReadonlyMap<string, number>;
  readonly twice: readonly string[];
  readonly spool: SegmentSpool;
  readonly quarantined: number;
}> {
  const spool = await open(disk);
  const { found, twice } = await recoverAll(spool);
  return { found, twice, spool, quarantined: (await disk.list(`${FOLDER}/quarantine`)).length };
}

/** What the copies are on the disk in a file with that key. */
function frameOf(key: FrameKey, copies: readonly Copy[]): Buffer {
  const { front, rest } = encodeReception(copies);
  markFrame(key, front);
  return Buffer.concat([front, ...rest]);
}

const frameFor = (key: FrameKey, recipient: string): Buffer => frameOf(key, makeCopies([recipient]));

const idsOf = (meta: Buffer): string =>
  sketchReception(meta)
    .copies.map(({ idHigh, idLow }) => idText(idHigh, idLow))
    .join(' ');

const read = async (spool: SegmentSpool, ticket: number): Promise<string> => {
  const copy = await spool.read(ticket);
  return `${String(copy.recipient)}\n${await textOf(copy)}`;
};

describe('damage', () => {
  it('of every single octet of a segment of 64 KiB: the scan loses the frame that holds it and nothing else', {
    timeout: 120_000,
  }, async () => {
    const { disk } = await record(65_536);
    const bytes = disk.peek(SEGMENT);
    const key = readFileHead(bytes)?.key ?? keyFrom(Buffer.alloc(8));
    const frames = new Map<number, string>();
    const scan = (
      octets: Buffer,
      from: number,
      frame: (offset: number, ids: string) => void,
      damaged: (from: number, to: number) => void,
    ) =>
      scanFrames(
        key,
        octets,
        {
          frame(offset, { kind }, meta) {
            if (kind === KIND.reception) frame(offset, idsOf(meta));
            return true;
          },
          damaged,
        },
        from,
      );
    const end = await scan(
      bytes,
      HEAD_BYTES,
      (offset, ids) => void frames.set(offset, ids),
      () => expect.unreachable(),
    );
    const starts = [...frames.keys()];
    const random = seeded(11);
    const wrong: string[] = [];
    let frame = 0;
    for (let at = 0; at < bytes.length; at++) {
      const before = bytes[at] as number;
      bytes[at] = before ^ (1 << Math.floor(random() * 8));
      if (at < HEAD_BYTES) {
        // The head stands twice.
        if (readFileHead(bytes)?.key.seed !== key.seed) wrong.push(`${at}: the head is lost`);
        bytes[at] = before;
        continue;
      }
      if (at >= (starts[frame + 1] ?? Number.POSITIVE_INFINITY)) frame++;
      let seen = 0;
      let kept = false;
      // A scan knows nothing but the octets before it: three frames tell as much as all of them.
      const from = LONG ? HEAD_BYTES : (starts[frame] ?? 0);
      const to = LONG ? bytes.length : (starts[frame + 3] ?? bytes.length);
      const inside = starts.filter((start) => start >= from && start < to).length;
      await scan(
        bytes.subarray(0, to),
        from,
        (offset, ids) => {
          seen++;
          if (frames.get(offset) !== ids) wrong.push(`${at}: another reception at ${offset}`);
        },
        (begin, end) => {
          if (begin <= at && at < end) kept = true;
        },
      );
      // An octet of the zeros behind harms nothing.
      if (seen !== inside - (at < end ? 1 : 0)) wrong.push(`${at}: ${seen} of ${inside} receptions`);
      if (!kept) wrong.push(`${at}: the octet is not handed out`);
      bytes[at] = before;
    }
    console.info(`${bytes.length} octets of a segment changed, each in turn`);
    expect(wrong.slice(0, 20)).toEqual([]);
  });

  it('of a carrier brings to life no record that a peer put into its body, unless he knew the key of the file', async () => {
    const disk = new ForgetfulDisk();
    const spool = await SegmentSpool.open({ disk, clock: new VirtualClock(), folder: FOLDER, segmentBytes: 4000 });
    await recoverAll(spool);
    const other = new ForgetfulDisk();
    const theirs = await open(other);
    await recoverAll(theirs);
    await theirs.write(makeCopies(['forged@x.test']));
    const [seen] = makeCopies(['seen@x.test'], { body: 'x'.repeat(4000) });
    if (seen) await spool.write([seen]);
    const written = (): string[] => disk.files().filter((file) => file.includes('/accept-'));
    // A frame as another spool has it, and as the segment before has it: whole, and with the number of this one's part.
    for (const forged of [other.peek(SEGMENT).subarray(HEAD_BYTES), disk.peek(written()[0] ?? '').subarray(HEAD_BYTES), undefined]) {
      const known = new Set(written());
      const [filler] = makeCopies(['filler@x.test'], { body: 'y'.repeat(4000) }) as [Copy];
      await spool.write([filler]);
      const mine = written().find((file) => !known.has(file)) ?? '';
      const key = readFileHead(disk.peek(mine))?.key;
      if (!key) throw new RangeError('a segment without a head');
      // Who could read the file could forge: the last round proves that the others would be seen.
      const octets = forged ?? frameFor(key, 'knowing@x.test');
      const copies = makeCopies(['carrier@x.test'], { content: bodyOf([Buffer.from('hello\r\n'), octets]) });
      const bytes = Buffer.concat([disk.peek(mine).subarray(0, HEAD_BYTES), frameOf(key, copies)]);
      const at = bytes.indexOf('carrier@x.test'.slice(0, 7));
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      const torn = disk.afterCut(KILLED, 1);
      torn.poke(mine, bytes);
      const { found } = await revive(torn);
      const expected = new Set([seen?.id, filler.id]);
      const unknown = [...found.keys()].filter((id) => !expected.has(id));
      expect(unknown.length).toBe(forged ? 0 : 1);
      spool.gone(filler.ticket);
    }
  });

  it('of any octet of a large body: it is never delivered, goes into quarantine, and its mail is known as damaged', async () => {
    const disk = new ForgetfulDisk();
    const spool = await open(disk);
    await recoverAll(spool);
    const large = await spool.openLarge();
    const text = Buffer.from('a large body, line by line\r\n'.repeat(20));
    await large.write(text);
    const copies = makeCopies(['a@x.test', 'b@x.test'], { content: await large.finish({ dots: false, eightBit: false }) });
    await spool.write(copies);
    await spool.close();
    const body = disk.files().find((file) => file.includes('/large/')) ?? '';
    const random = seeded(5);
    for (let at = 0; at < text.length; at++) {
      const bytes = Buffer.from(text);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      const next = disk.afterCut(KILLED, at);
      next.poke(body, bytes);
      const { spool: running, found } = await revive(next);
      const [one, two] = [...found.values()];
      await expect(read(running, one ?? -1)).rejects.toMatchObject({ code: 'SPOOL_DAMAGED' });
      await running.close();
      expect(next.files().filter((file) => file.includes('/large/'))).toEqual([]);
      expect(next.peek(body.replace('/large/', '/quarantine/')).equals(bytes)).toBe(true);
      if (at % 50 > 0) continue;
      const { spool: again } = await revive(next);
      await expect(again.read(two ?? -1)).rejects.toMatchObject({ code: 'SPOOL_DAMAGED' });
      again.gone(one ?? -1);
      again.gone(two ?? -1);
      await again.close();
    }
  });

  it('of a segment harms one reception at most, and its octets are kept', { timeout: 600_000 }, async () => {
    const { disk, texts, ended, together } = await record(16_384);
    const whole = disk.peek(SEGMENT);
    const random = seeded(11);
    const wrong: string[] = [];
    let harmless = 0;
    let changes = 0;
    for (let at = 0; at < whole.length; at += LONG ? 1 : 41) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      changes++;
      const next = disk.afterCut({ data: 'none', garbage: false, names: 'none' }, at);
      next.poke(SEGMENT, bytes);
      const { found, twice, spool, quarantined } = await revive(next);
      const missing = [...texts.keys()].filter((id) => !ended.has(id) && !found.has(id));
      const [one] = missing;
      const allowed = one === undefined ? [] : (together.get(one) ?? []);
      if (missing.some((id) => !allowed.includes(id))) wrong.push(`${at}: ${missing.length} messages are missing`);
      if (missing.length > 0 && quarantined === 0) wrong.push(`${at}: nothing is in quarantine`);
      if (missing.length === 0) harmless++;
      if (twice.length > 0) wrong.push(`${at}: ${twice.length} twice`);
      for (const id of found.keys()) if (!texts.has(id) || ended.has(id)) wrong.push(`${at}: ${id} ought not to be there`);
      // Reading everything each time would take minutes; a few, other ones each time.
      const ids = [...found.keys()];
      for (let n = 0; n < 2 && ids.length > 0; n++) {
        const id = ids[(at * 7 + n) % ids.length] ?? '';
        if ((await read(spool, found.get(id) ?? -1)) !== texts.get(id)) wrong.push(`${at}: ${id} has other octets`);
      }
      if (wrong.length > 20) break;
    }
    console.info(`${changes} starts on a changed segment, ${texts.size} messages, ${harmless} changes without effect on a live one`);
    expect(wrong.slice(0, 20)).toEqual([]);
    // Octets of receptions whose every copy ended.
    expect(harmless).toBeLessThan(changes / 2);
  });

  it('while the daemon runs gives the message or an error, never other octets', async () => {
    const { disk, texts } = await record(8192);
    const { found, spool } = await revive(disk.afterCut(KILLED, 1));
    const whole = disk.peek(SEGMENT);
    await spool.close();
    let errors = 0;
    for (let at = 0; at < whole.length; at += 3) {
      const next = disk.afterCut(KILLED, at);
      const { found: live, spool: running } = await revive(next);
      expect(live.size).toBe(found.size);
      const file = await next.open(SEGMENT, 'update');
      await file.writeAt([Buffer.from([(whole[at] ?? 0) ^ 0x55])], at);
      for (const [id, ticket] of live) {
        const text = await read(running, ticket).catch((error: { code: string }) => error.code);
        if (text === 'SPOOL_DAMAGED') errors++;
        else expect(text).toBe(texts.get(id));
      }
    }
    expect(errors).toBeGreaterThan(0);
  });

  it('of any octet of the outcome log brings messages back at most, and loses none', { timeout: 120_000 }, async () => {
    const { disk, texts, ended } = await record(16_384);
    const outcome = disk.files().find((file) => file.includes('/outcome-')) ?? '';
    const whole = disk.peek(outcome);
    const again = new Set<number>();
    for (let at = 0; at < whole.length; at++) {
      for (const bits of [1 << (at % 8), 0xff]) {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ bits;
        const next = disk.afterCut(KILLED, at);
        next.poke(outcome, bytes);
        const { found, twice } = await revive(next);
        expect(twice).toEqual([]);
        expect([...texts.keys()].filter((id) => !ended.has(id) && !found.has(id))).toEqual([]);
        for (const id of found.keys()) expect(texts.has(id)).toBe(true);
        if ([...found.keys()].some((id) => ended.has(id))) again.add(at);
      }
    }
    expect(again.size).toBeGreaterThan(0);
  });

  it('of the index of a sealed spool loses none either', { timeout: 120_000 }, async () => {
    const { disk, texts, ended } = await record(8192);
    const restarted = disk.afterCut(KILLED, 3);
    const { spool } = await revive(restarted);
    await spool.close();
    const outcome = restarted.files().find((file) => file.includes('/outcome-')) ?? '';
    const whole = await readWhole(restarted, outcome);
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      const next = restarted.afterCut(KILLED, at);
      next.poke(outcome, bytes);
      const { found } = await revive(next);
      expect([...texts.keys()].filter((id) => !ended.has(id) && !found.has(id))).toEqual([]);
    }
  });
});
