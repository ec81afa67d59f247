import { describe, expect, it } from 'vitest';
import { ForgetfulDisk } from '../../test/crash/forgetful-disk.js';
import { Quarantine, TORN } from './quarantine.js';

const make = async (): Promise<{ disk: ForgetfulDisk; quarantine: Quarantine }> => {
  const disk = new ForgetfulDisk();
  await disk.makeFolder('/p/quarantine');
  await disk.makeFolder('/p/large');
  return { disk, quarantine: new Quarantine(disk, '/p') };
};

describe('Quarantine', () => {
  it('keeps octets under a name, once, durably', async () => {
    const { disk, quarantine } = await make();
    await quarantine.keep('b', Buffer.from('names 1.body here'));
    await quarantine.keep('b', Buffer.from('something else'));
    const after = disk.afterCut({ data: 'none', garbage: false, names: 'none' }, 1);
    expect(after.files()).toEqual(['/p/quarantine/b']);
    expect(after.peek('/p/quarantine/b').toString()).toBe('names 1.body here');
  });

  it('takes a file as it is, durably, and knows torn ends and bodies from harm', async () => {
    const { disk, quarantine } = await make();
    expect(await quarantine.hasHarm()).toBe(false);
    await quarantine.keep(`x${TORN}`, Buffer.from('half'));
    disk.poke('/p/large/1.body', Buffer.from('a body'));
    await quarantine.take('/p/large/1.body');
    expect(await quarantine.hasHarm()).toBe(false);
    await quarantine.keep('y', Buffer.from('bad'));
    expect(await quarantine.hasHarm()).toBe(true);
    const after = disk.afterCut({ data: 'none', garbage: false, names: 'none' }, 1);
    expect(after.peek('/p/quarantine/1.body').toString()).toBe('a body');
    expect(after.files()).not.toContain('/p/large/1.body');
  });
});
