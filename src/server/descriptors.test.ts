import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../test/chaos/room.js';
import { judgeDescriptors, readFileLimit } from './descriptors.js';

const limits = (soft: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${soft.padEnd(20)} 524288               files     \n`;

describe('server_max_file_descriptors', () => {
  it.each<[string, string, string[]]>([
    ['', '1024', []],
    ['server_max_file_descriptors = 1024', '1024', []],
    ['server_max_file_descriptors = 5000', 'unlimited', []],
    [
      'server_max_file_descriptors = 5000',
      '1024',
      [
        'server_max_file_descriptors is 5000, but the system allows this process 1024 open files: write LimitNOFILE=5000 into the systemd unit, or call "ulimit -n 5000" before the start',
      ],
    ],
  ])('"%s" with a limit of %s', async (config, soft, said) => {
    expect([...judgeDescriptors(await snapshotOf(config), () => limits(soft))]).toEqual(said);
  });

  it('reads the limit of this process', async () => {
    const snapshot = await snapshotOf('server_max_file_descriptors = 2000000000');
    expect([...judgeDescriptors(snapshot)].join()).toMatch(/allows this process \d+ open files/);
  });

  it('knows nothing of what it cannot read', () => expect(readFileLimit('')).toBeUndefined());
});
