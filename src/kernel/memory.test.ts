import { describe, expect, it } from 'vitest';
import { memoryLimitBytes, readMemoryShare } from './memory.js';

describe('memory', () => {
  it('is a share of what this process may have', () => {
    const share = readMemoryShare();
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    expect(readMemoryShare(1000)).toBeGreaterThan(share);
    expect(memoryLimitBytes()).toBeGreaterThan(64 << 20);
  });

  it('grows with buffers, which are not on the heap', () => {
    const before = readMemoryShare(1000);
    const held = Buffer.alloc(64 << 20, 1);
    expect(readMemoryShare(1000) - before).toBeGreaterThan((32 << 20) / (memoryLimitBytes() / 1000));
    expect(held.length).toBe(64 << 20);
  });
});
