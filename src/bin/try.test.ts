/** celeris try as a user meets it: its exit codes, its time, and the events it tells. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tryOut } from './try.js';

describe('try', () => {
  let out = '';
  const take = (chunk: unknown): boolean => {
    out += String(chunk);
    return true;
  };
  beforeEach(() => {
    out = '';
    vi.spyOn(process.stdout, 'write').mockImplementation(take);
    vi.spyOn(process.stderr, 'write').mockImplementation(take);
  });
  afterEach(() => void vi.restoreAllMocks());

  it('delivers one message and tells each step of it', async () => {
    expect(await tryOut({ json: false })).toBe(0);
    const steps = ['connected', 'command', 'spooled and queued', 'client heard', 'attempt', 'delivered', 'at the sink'];
    expect(steps.map((step) => out.indexOf(step)).filter((at) => at < 0)).toEqual([]);
  });

  it('shows a deferral, and says no by its exit code', async () => {
    expect(await tryOut({ sinkSays: '451', json: false })).toBe(1);
    expect(out).toContain('deferred');
    expect(out).toContain('451 ');
  });

  it('says what is wrong with a reply that is none', async () => {
    expect(await tryOut({ sinkSays: 'abc', json: false })).toBe(64);
    expect(out).toBe('celeris: "abc" is no SMTP reply: a code 2xx, 4xx or 5xx and a text were expected\n');
  });
});
