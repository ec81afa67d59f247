import { describe, expect, it } from 'vitest';
import { ForgetfulDisk, SURVIVALS } from '../../test/crash/forgetful-disk.js';
import { nextIncarnation } from './incarnation.js';

describe('nextIncarnation', () => {
  it('counts from 1, and begins anew behind 65535', async () => {
    const disk = new ForgetfulDisk();
    expect([await nextIncarnation(disk, '/s'), await nextIncarnation(disk, '/s'), await nextIncarnation(disk, '/s')]).toEqual([1, 2, 3]);
    disk.poke('/s/incarnation', Buffer.from('65535\n'));
    expect(await nextIncarnation(disk, '/s')).toBe(1);
    disk.poke('/s/incarnation', Buffer.from('rubbish'));
    expect(await nextIncarnation(disk, '/s')).toBe(1);
  });

  it('refuses a spool of another format', async () => {
    const disk = new ForgetfulDisk();
    await nextIncarnation(disk, '/s');
    disk.poke('/s/format', Buffer.from('2\n'));
    await expect(nextIncarnation(disk, '/s')).rejects.toMatchObject({ code: 'SPOOL_WRONG_FORMAT' });
  });

  it('never gives a number twice, wherever the machine stops', async () => {
    for (let cutAt = 1; cutAt < 40; cutAt++) {
      for (const [n, survival] of SURVIVALS.entries()) {
        const first = new ForgetfulDisk();
        const given = [await nextIncarnation(first, '/s')];
        const second = first.afterCut(survival, n, { cutAt });
        await nextIncarnation(second, '/s').then(
          (number) => given.push(number),
          () => {},
        );
        const third = second.afterCut(survival, n);
        given.push(await nextIncarnation(third, '/s'));
        expect(new Set(given).size).toBe(given.length);
      }
    }
  });
});
