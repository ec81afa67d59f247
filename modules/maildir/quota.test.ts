/** Quotas of mailboxes, as Maildir++ has them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkRoom, noteStored, OverQuota, parseQuota } from './quota.js';

let home = '';
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'quota-'));
  for (const part of ['tmp', 'new', 'cur']) fs.mkdirSync(path.join(home, part));
});
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

const quota = { octets: 1000, messages: 3 };
const put = (name: string, size = 0): void => {
  fs.mkdirSync(path.dirname(path.join(home, name)), { recursive: true });
  fs.writeFileSync(path.join(home, name), Buffer.alloc(size));
};
const noted = (): string => fs.readFileSync(path.join(home, 'maildirsize'), 'latin1');
const check = (size: number, nowMs = Date.now()) => checkRoom(home, size, quota, nowMs);

describe('parseQuota', () => {
  it.each([
    ['1000S', { octets: 1000, messages: undefined }],
    ['1000S,5C', { octets: 1000, messages: 5 }],
    ['5C', { octets: undefined, messages: 5 }],
    ['', undefined],
    ['1G', undefined],
    ['5C,x', undefined],
  ])('%j', (text, expected) => expect(parseQuota(text)).toEqual(expected));
});

describe('room', () => {
  it('is counted where nothing is noted: new and cur of all folders but Trash, by name or by size', async () => {
    put('new/1.a,S=300', 1);
    put('cur/2.a:2,S', 200);
    put('.lists/new/3.a,S=100');
    put('.Trash/new/4.a,S=9000');
    await expect(check(500)).rejects.toThrow(OverQuota);
    expect(noted()).toBe('1000S,3C\n600 3\n');
    fs.rmSync(path.join(home, '.lists'), { recursive: true });
    // Counted just now: it is not counted again.
    await expect(check(400)).rejects.toThrow(OverQuota);
    await check(400, Date.now() + 16 * 60_000);
    expect(noted()).toBe('1000S,3C\n500 2\n');
  });

  it('is summed up from what was noted, and counted again before anybody is refused', async () => {
    await check(400);
    await noteStored(home, 400);
    await noteStored(home, 500);
    expect(noted()).toBe('1000S,3C\n0 0\n400 1\n500 1\n');
    await check(100);
    // Nothing of it lies there any more.
    await check(200);
    expect(noted()).toBe('1000S,3C\n0 0\n');
  });

  it.each([
    ['another limit', '5S\n0 0\n'],
    ['nonsense', '1000S,3C\nfull\n'],
    ['less than nothing', '1000S,3C\n-5 1\n'],
    ['too much', `1000S,3C\n${'1 0\n'.repeat(2000)}`],
  ])('is counted anew where the file has %s', async (_what, text) => {
    fs.writeFileSync(path.join(home, 'maildirsize'), text);
    await check(1000);
    expect(noted()).toBe('1000S,3C\n0 0\n');
    await expect(check(1001)).rejects.toThrow(OverQuota);
  });
});
