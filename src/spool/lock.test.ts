import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lockSpool } from './lock.js';

describe('lockSpool', () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-lock-'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    fs.rmSync(root, { recursive: true });
  });

  it('is held by one, until it is released', () => {
    const lock = lockSpool(path.join(root, 'new'));
    expect(() => lockSpool(path.join(root, 'new'))).toThrow(expect.objectContaining({ code: 'SPOOL_LOCKED' }));
    lock.release();
    lockSpool(path.join(root, 'new')).release();
  });

  it('says what it lacks', () => {
    vi.stubEnv('PATH', root);
    expect(() => lockSpool(root)).toThrow(expect.objectContaining({ code: 'SPOOL_NO_LOCKS' }));
    fs.writeFileSync(path.join(root, 'file'), '');
    expect(() => lockSpool(path.join(root, 'file'))).toThrow(expect.objectContaining({ code: 'SPOOL_UNUSABLE' }));
  });
});
