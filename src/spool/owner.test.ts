import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkOwner } from './owner.js';

const uid = process.getuid?.() ?? 0;

describe('checkOwner', () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-owner-'));
    fs.mkdirSync(path.join(root, 'parts', '0', 'large'), { recursive: true });
    for (const name of ['lock', 'format', 'parts/0/accept-1.log', 'parts/0/large/1.body']) fs.writeFileSync(path.join(root, name), '');
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  it('is content with a spool of ours, and with none', () => {
    checkOwner(root, uid);
    expect(() => checkOwner(path.join(root, 'nowhere'), uid)).not.toThrow();
  });

  it('names the file of somebody else, both users and what to do', () => {
    expect(() => checkOwner(root, uid + 1)).toThrow(
      expect.objectContaining({
        code: 'SPOOL_WRONG_OWNER',
        message: `${root} belongs to user ${uid}, the daemon runs as user ${uid + 1}. Say chown -R ${uid + 1} ${root}, or change security { user }`,
      }),
    );
  });

  it.runIf(uid === 0)('looks at every log, and not at the lock', () => {
    fs.chownSync(path.join(root, 'lock'), 12_345, 0);
    checkOwner(root, 0);
    fs.chownSync(path.join(root, 'parts', '0', 'accept-1.log'), 12_345, 0);
    expect(() => checkOwner(root, 0)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('accept-1.log belongs to user 12345') }),
    );
  });
});
