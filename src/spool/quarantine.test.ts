import { describe, expect, it } from 'vitest';
import { ForgetfulDisk } from '../../test/crash/forgetful-disk.js';
import { Quarantine, TORN } from './quarantine.js';

describe('Quarantine', () => {
  it('keeps octets under a name, once, durably, and knows what words stand in them', async () => {
    const disk = new ForgetfulDisk();
    await disk.makeFolder('/q');
    const quarantine = new Quarantine(disk, '/q');
    await quarantine.keep('a/../b', Buffer.from('names 1.body here'));
    await quarantine.keep('a/../b', Buffer.from('something else'));
    const after = disk.afterCut({ data: 'none', garbage: false, names: 'none' }, 1);
    const again = new Quarantine(after, '/q');
    expect(await again.names()).toEqual(['a_.._b']);
    expect(after.peek('/q/a_.._b').toString()).toBe('names 1.body here');
    expect(await again.harm()).toBe(true);
    expect([...(await again.named(['1.body', '2.body']))]).toEqual(['1.body']);
  });

  it('knows a torn end from harm', async () => {
    const disk = new ForgetfulDisk();
    await disk.makeFolder('/q');
    const quarantine = new Quarantine(disk, '/q');
    expect(await quarantine.harm()).toBe(false);
    await quarantine.keep(`x${TORN}`, Buffer.from('half'));
    expect(await quarantine.harm()).toBe(false);
    await quarantine.keep('y', Buffer.from('bad'));
    expect(await quarantine.harm()).toBe(true);
  });
});
