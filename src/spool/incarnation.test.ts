import { describe, expect, it } from 'vitest';
import { ForgetfulDisk, SURVIVALS } from '../../test/crash/forgetful-disk.js';
import { nextIncarnation } from './incarnation.js';

describe('nextIncarnation', () => {
  it('counts from 1, and begins anew behind 65535', async () => {
    const disk = new ForgetfulDisk();
    expect([await nextIncarnation(disk, '/s'), await nextIncarnation(disk, '/s'), await nextIncarnation(disk, '/s')]).toEqual([1, 2, 3]);
    disk.poke('/s/incarnation', Buffer.from('65535\n'));
    expect(await nextIncarnation(disk, '/s')).toBe(1);
  });

  it('refuses to guess a number that was damaged: ids would come again', async () => {
    const disk = new ForgetfulDisk();
    await nextIncarnation(disk, '/s');
    for (const octets of ['rubbish', '', '-1', '70000']) {
      disk.poke('/s/incarnation', Buffer.from(octets));
      await expect(nextIncarnation(disk, '/s')).rejects.toMatchObject({
        code: 'SPOOL_BAD_NUMBER',
        message: expect.stringMatching(/\/s\/incarnation does not hold a number\. Write one into it/),
      });
    }
  });

  it('refuses a spool of another format', async () => {
    const disk = new ForgetfulDisk();
    await nextIncarnation(disk, '/s');
    for (const other of ['1', '3']) {
      disk.poke('/s/format', Buffer.from(`${other}\n`));
      await expect(nextIncarnation(disk, '/s')).rejects.toMatchObject({
        code: 'SPOOL_WRONG_FORMAT',
        message: expect.stringMatching(new RegExp(`/s/format was written by a spool of format ${other}; this daemon reads format 2\\. `)),
      });
    }
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
