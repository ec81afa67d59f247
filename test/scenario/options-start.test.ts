/** Options that show when the daemon starts: its pid file, its console without a listener, how many files it may open. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConsoleClient } from '../../src/console/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

describe('at the start', () => {
  it('the pid is written, and taken away at the end', async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { more: `pidfile = "${path.join(place.dir, 'pid')}"` }) });
    const file = path.join(daemon.dir, 'pid');
    await daemon.waitFor('the pid file', () => fs.existsSync(file) && fs.readFileSync(file, 'utf8') === `${daemon.pid}\n`);
    await daemon.stop();
    expect(fs.existsSync(file)).toBe(false);
  });

  it('console_path opens the console where no control_listener does', async () => {
    await using daemon = await startDaemon({
      conf: (place) => {
        const plain = plainConf(place).replace(/^Control_Listener.*$/m, '');
        return `${plain}\nconsole_path = "${place.consolePath}"\n`;
      },
    });
    const console = await ConsoleClient.connect({ path: daemon.place.consolePath });
    expect(await console.ask('version')).toMatchObject({ ok: true });
    console.close();
  });

  it('and opens none beside one', async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { more: `console_path = "${place.dir}/other.sock"` }) });
    expect(await daemon.console('version')).not.toBe('');
    expect(fs.existsSync(path.join(daemon.dir, 'other.sock'))).toBe(false);
  });

  it('too low a limit of open files is told, with what to write', async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { more: 'server_max_file_descriptors = 2000000000' }) });
    await daemon.waitFor('the warning', () => daemon.lines.find((line) => line.includes('LimitNOFILE=2000000000')));
  });
});
