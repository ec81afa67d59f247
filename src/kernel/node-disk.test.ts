import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeDisk } from './node-disk.js';

describe('nodeDisk', () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-disk-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  it('appends, writes, reads, cuts', async () => {
    const name = path.join(folder, 'file');
    const file = await nodeDisk.open(name, 'create');
    expect(file.path).toBe(name);
    await file.append([Buffer.from('one '), Buffer.alloc(0), Buffer.from('two ')]);
    file.appendNow([Buffer.from('three')]);
    file.appendNow([Buffer.from(' '), Buffer.from('four')]);
    await file.datasync();
    expect(await file.size()).toBe(18);
    await file.close();
    const again = await nodeDisk.open(name, 'update');
    await again.writeAt([Buffer.from('O'), Buffer.from('NE')], 0);
    const into = Buffer.alloc(30);
    expect(await again.readAt(into, 0)).toBe(18);
    expect(into.toString('latin1', 0, 18)).toBe('ONE two three four');
    await again.truncate(3);
    expect(await again.size()).toBe(3);
    await again.close();
    await expect(nodeDisk.open(name, 'create')).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(nodeDisk.open(`${name}s`, 'read')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('writes over what stands at a position, and behind it', async () => {
    const name = path.join(folder, 'places');
    const file = await nodeDisk.open(name, 'place');
    await file.writeAt([Buffer.from('one'), Buffer.alloc(5)], 0);
    await file.writeAt([Buffer.from('two'), Buffer.from('three')], 3);
    expect(fs.readFileSync(name, 'latin1')).toBe('onetwothree');
    await file.close();
    await expect(nodeDisk.open(name, 'place')).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(file.writeAt([Buffer.from('x')], 0)).rejects.toMatchObject({ code: 'EBADF' });
    await expect(file.append([Buffer.from('x')])).rejects.toMatchObject({ code: 'EBADF' });
    await expect(file.readAt(Buffer.alloc(1), 0)).rejects.toMatchObject({ code: 'EBADF' });
    await expect(file.datasync()).rejects.toMatchObject({ code: 'EBADF' });
    await expect(file.truncate(0)).rejects.toMatchObject({ code: 'EBADF' });
    await expect(file.size()).rejects.toMatchObject({ code: 'EBADF' });
  });

  it('closes once, however often it is told, and writes to nothing afterwards', async () => {
    const file = await nodeDisk.open(path.join(folder, 'a'), 'append');
    await file.close();
    const other = await nodeDisk.open(path.join(folder, 'b'), 'append');
    await file.close();
    expect(() => file.appendNow([Buffer.from('x')])).toThrow(expect.objectContaining({ code: 'EBADF' }));
    await other.append([Buffer.from('still open')]);
    await other.close();
    expect(fs.readFileSync(path.join(folder, 'b'), 'latin1')).toBe('still open');
  });

  it('makes folders, lists, renames, removes', async () => {
    const inside = path.join(folder, 'a', 'b', 'c');
    await nodeDisk.makeFolder(inside);
    await nodeDisk.makeFolder(inside);
    await (await nodeDisk.open(path.join(inside, 'x'), 'append')).close();
    await nodeDisk.rename(path.join(inside, 'x'), path.join(inside, 'y'));
    await nodeDisk.syncFolder(inside);
    expect([
      await nodeDisk.list(inside),
      await nodeDisk.exists(path.join(inside, 'x')),
      await nodeDisk.exists(path.join(inside, 'y')),
    ]).toEqual([['y'], false, true]);
    await nodeDisk.remove(path.join(inside, 'y'));
    expect(await nodeDisk.list(inside)).toEqual([]);
    expect(await nodeDisk.free(folder)).toBeGreaterThan(0);
  });
});
