import { describe, expect, it } from 'vitest';
import { ForgetfulDisk } from '../../test/crash/forgetful-disk.js';
import { makeCopies } from '../../test/fixtures/copies.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { encodeFileHead, HEAD_BYTES, keyFrom, LOG, readFileHead, VERSION } from './file-head.js';
import { readHeadOf } from './log-file.js';
import { SegmentSpool } from './segment-spool.js';

const head = { version: VERSION, kind: LOG.accept, part: 3, number: 2 ** 40, key: keyFrom(Buffer.from([1, 2, 3, 4, 5, 6, 7, 8])) };
const openPart = (disk: ForgetfulDisk, part: number): Promise<SegmentSpool> =>
  SegmentSpool.open({ disk, clock: new VirtualClock(), folder: `/spool/parts/${part}` });

describe('the head of a log file', () => {
  it('stands twice, and is lost only with both', () => {
    const bytes = encodeFileHead(head);
    expect(bytes.length).toBe(HEAD_BYTES);
    expect(readFileHead(bytes)).toEqual(head);
    for (let at = 0; at < 512; at++) bytes[at] = 0xff;
    expect(readFileHead(bytes)).toEqual(head);
    bytes[HEAD_BYTES - 64 + 20] = 9;
    expect(readFileHead(bytes)).toBeUndefined();
    expect(readFileHead(Buffer.alloc(10))).toBeUndefined();
  });

  it('begins frames with an octet that no text has', () => {
    expect(keyFrom(Buffer.alloc(8)).magic[0]).toBe(0x80);
  });

  it('is compared with where the file lies, and each difference says what to do', async () => {
    const disk = new ForgetfulDisk();
    await disk.makeFolder('/p');
    const ask = async (written: typeof head, name = '/p/x'): Promise<unknown> => {
      disk.poke(name, encodeFileHead(written));
      const file = await disk.open(name, 'read');
      return readHeadOf(file, { kind: LOG.accept, part: 3, number: 2 ** 40 });
    };
    expect(await ask(head)).toEqual(head);
    await expect(ask({ ...head, version: 9 })).rejects.toMatchObject({
      code: 'SPOOL_WRONG_FORMAT',
      message:
        '/p/x was written by a spool of format 9; this daemon reads format 2. Start the version that wrote it to empty the spool, or give this one a spoolbase of its own',
    });
    await expect(ask({ ...head, part: 4 })).rejects.toMatchObject({
      code: 'SPOOL_WRONG_PART',
      message:
        '/p/x belongs to part 4 of a spool and lies in the folder of part 3. Put it back where it was taken from, or move it out of the spool',
    });
    await expect(ask({ ...head, number: 7 })).rejects.toMatchObject({
      code: 'SPOOL_WRONG_NAME',
      message: '/p/x says that its name is accept-000000000000007.log. Give it that name, or move it out of the spool',
    });
  });

  it('keeps a spool from opening that has a file of another part, or of another version', async () => {
    const disk = new ForgetfulDisk();
    const spool = await openPart(disk, 1);
    await spool.recover(() => {}, new AbortController().signal);
    await spool.write(makeCopies(['a@x.test']));
    await spool.close();
    const file = disk.files().find((name) => name.includes('/accept-')) ?? '';
    const bytes = disk.peek(file);
    await disk.makeFolder('/spool/parts/2');
    disk.poke(file.replace('/1/', '/2/'), bytes);
    await expect(openPart(disk, 2)).rejects.toMatchObject({ code: 'SPOOL_WRONG_PART' });
    const other = readFileHead(bytes);
    if (!other) throw new RangeError('no head');
    disk.poke(file, Buffer.concat([encodeFileHead({ ...other, version: 3 }), bytes.subarray(HEAD_BYTES)]));
    await expect(openPart(disk, 1)).rejects.toMatchObject({ code: 'SPOOL_WRONG_FORMAT', message: expect.stringContaining(file) });
  });

  it('was lost: the whole file goes into quarantine, and says so', async () => {
    const disk = new ForgetfulDisk();
    const spool = await openPart(disk, 1);
    await spool.recover(() => {}, new AbortController().signal);
    await spool.write(makeCopies(['a@x.test']));
    await spool.close();
    const file = disk.files().find((name) => name.includes('/accept-')) ?? '';
    const bytes = disk.peek(file);
    bytes.fill(0, 0, HEAD_BYTES);
    disk.poke(file, bytes);
    const told: string[] = [];
    const next = await SegmentSpool.open({
      disk,
      clock: new VirtualClock(),
      folder: '/spool/parts/1',
      log: (_level, text) => void told.push(text),
    });
    expect(await next.recover(() => {}, new AbortController().signal)).toMatchObject({ messages: 0, quarantined: 1 });
    expect(disk.files()).toContain(file.replace('/parts/1/', '/parts/1/quarantine/'));
    expect(told.some((text) => text.includes('has no readable head; the whole file is in quarantine'))).toBe(true);
  });
});
