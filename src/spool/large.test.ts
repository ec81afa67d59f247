import { describe, expect, it } from 'vitest';
import { ForgetfulDisk } from '../../test/crash/forgetful-disk.js';
import { FileBody, LargeFiles, LargeWriter } from './large.js';

const write = async (disk: ForgetfulDisk, name: string, told: string[] = []): Promise<LargeWriter> => {
  await disk.makeFolder('/large');
  return new LargeWriter(
    disk,
    await disk.open(`/large/${name}`, 'create'),
    () => void told.push(name),
    () => {},
  );
};

describe('a large body', () => {
  it('is durable when it is finished, and reads the same any number of times', async () => {
    const disk = new ForgetfulDisk();
    const writer = await write(disk, 'a');
    const waits: boolean[] = [];
    for (let i = 0; i < 10; i++) {
      const wait = writer.write(Buffer.alloc(100_000, i));
      waits.push(wait !== undefined);
      await wait;
    }
    expect(waits).toContain(true);
    expect(waits).toContain(false);
    const body = await writer.finish({ dots: true, eightBit: false });
    expect(body).toMatchObject({ size: 1_000_000, dots: true, eightBit: false, file: '/large/a', resident: undefined });
    if (!(body instanceof FileBody)) throw new RangeError('no body in a file');
    const { crc } = body;
    const after = disk.afterCut({ data: 'none', garbage: false, names: 'none' }, 1);
    for (let turn = 0; turn < 2; turn++) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of new FileBody(after, '/large/a', { size: 1_000_000, dots: true, eightBit: false, crc }).read())
        chunks.push(chunk);
      const all = Buffer.concat(chunks);
      expect([all.length, all[0], all[999_999]]).toEqual([1_000_000, 0, 9]);
    }
  });

  it('is never half of itself, and goes when it is abandoned', async () => {
    const disk = new ForgetfulDisk();
    const told: string[] = [];
    const writer = await write(disk, 'b', told);
    await writer.write(Buffer.alloc(300_000));
    let size = 0;
    let hurt = 0;
    const reading = async (): Promise<void> => {
      for await (const chunk of new FileBody(
        disk,
        '/large/b',
        { size: 400_000, dots: false, eightBit: false, crc: 0 },
        () => void hurt++,
      ).read())
        size += chunk.length;
    };
    await expect(reading()).rejects.toMatchObject({ code: 'SPOOL_DAMAGED' });
    expect([size, hurt]).toEqual([262_144, 1]);
    await writer.abandon();
    expect([disk.files(), told]).toEqual([[], ['b']]);
  });
});

describe('LargeFiles', () => {
  it('tells when the last copy of a body goes', () => {
    const files = new LargeFiles();
    files.hold(1, 'a');
    files.hold(2, 'a');
    files.hold(3, 'b');
    expect([files.release(1), files.uses('a'), files.release(2), files.uses('a'), files.release(2), files.release(9)]).toEqual([
      undefined,
      true,
      'a',
      false,
      undefined,
      undefined,
    ]);
    expect(files.release(3)).toBe('b');
  });
});
