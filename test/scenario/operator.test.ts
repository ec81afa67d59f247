/** The operator's commands against a running daemon, and the commands that need none. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { mainFile, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

const run = (...words: string[]) => spawnSync(process.execPath, [mainFile(), ...words], { encoding: 'utf8', timeout: 20_000 });

describe('config reload', () => {
  it('bad-inputs 48: puts a good file in force whole and keeps the old one for a bad one', async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9 }) });
    const conf = path.join(daemon.dir, 'ecelerity.conf');
    const good = fs.readFileSync(conf, 'utf8');
    fs.writeFileSync(conf, `${good}\nmax_outbound_connections = 7\nmax_outbund_connections = 8\n`);
    await expect(daemon.console('config reload')).rejects.toThrow(
      /max_outbund_connections[\s\S]*max_outbound_connections[\s\S]*Reconfigure failed/,
    );
    expect(await daemon.console('config eval max_outbound_connections')).toContain('32');
    fs.writeFileSync(conf, `${good}\nmax_outbound_connections = 7\n`);
    expect(await daemon.console('config reload')).toContain('OK');
    expect(await daemon.consoleJson('config eval max_outbound_connections')).toMatchObject({ value: 7 });
  });
});

describe('the console', () => {
  it('answers every listed command that only reads, as text and as data', async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9 }) });
    const commands = (await daemon.consoleJson('help')) as { command: string; args: string; writes: boolean }[];
    expect(commands.length).toBeGreaterThan(35);
    for (const { command, args, writes } of commands) {
      if (writes || (args !== '' && !args.startsWith('['))) continue;
      const words =
        command.startsWith('config get') || command.startsWith('config eval')
          ? `${command} hostname`
          : command.startsWith('config locate')
            ? `${command} esmtp_listener`
            : command;
      expect(typeof (await daemon.console(words)), command).toBe('string');
      expect(await daemon.consoleJson(words), command).toBeDefined();
    }
    for (const wanted of [
      'version',
      'pid',
      'shutdown',
      'summary',
      'mailq',
      'domain',
      'showqueue',
      'message details',
      'message retry',
      'message fail',
      'flush domain',
      'fail domain',
      'module list',
      'module hooks',
      'config show',
      'config get',
      'config eval',
      'config locate',
      'config reload',
      'paniclog',
      'reopen logs',
      'dig',
    ])
      expect(commands.map(({ command }) => command)).toContain(wanted);
    await expect(daemon.console('mialq')).rejects.toThrow(/Unknown command/);
    expect(await daemon.console('pid')).toBe(String(daemon.pid));
    fs.renameSync(path.join(daemon.dir, 'mainlog.ec'), path.join(daemon.dir, 'old.ec'));
    await daemon.console('ec_logger:main reopen logs');
    expect(fs.existsSync(path.join(daemon.dir, 'mainlog.ec'))).toBe(true);
    expect(await daemon.console('shutdown')).toContain('Stopping');
    await daemon.waitFor('its end', () => daemon.ended);
    expect(daemon.ended).toBe('0');
  });
});

describe('the command line', () => {
  it('tries a message: 0 when it arrives, 1 with what the sink said when it does not, both within 3 s', () => {
    const good = run('try');
    expect(good.stdout).toMatch(/connected[\s\S]*spooled and queued[\s\S]*attempt[\s\S]*delivered[\s\S]*Delivered\./);
    expect(good.status).toBe(0);
    const began = Date.now();
    const bad = run('try', '--sink-says', '451');
    expect(Date.now() - began).toBeLessThan(3000);
    expect(bad.stdout).toMatch(/451 4\.3\.0[\s\S]*deferred/);
    expect(bad.status).toBe(1);
    expect(JSON.parse(run('try', '--json').stdout)).toMatchObject({ outcome: 'delivered' });
  });

  it('checks a file: the shipped one is valid, a broken one is told with line, caret and suggestion', () => {
    expect(run('check', '-c', 'config/ecelerity.conf')).toMatchObject({ status: 0, stdout: 'Configuration valid\n' });
    const bad = run('check', '-c', 'test/fixtures/broken/ten-mistakes.conf');
    expect(bad.status).toBe(78);
    expect(bad.stderr).toContain('^');
    expect(
      JSON.parse(run('check', '--json', '-c', 'test/fixtures/broken/ten-mistakes.conf').stdout).problems.length,
    ).toBeGreaterThanOrEqual(10);
    expect(run('config', 'eval', 'max_outbound_connections', '-c', 'config/ecelerity.conf').stdout).toContain('32');
    expect(run('config', 'unknown', '-c', 'config/ecelerity.conf').status).toBe(64);
  });
});

describe('celeris spool', () => {
  it('shows, exports and verifies what a running daemon keeps', async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9 }) });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    const reply = await client.deliver('alice@sender.test', ['bob@one.test'], 'Subject: kept\r\n\r\nthe text\r\n');
    const id = reply.texts.join(' ').split(' ').at(-1) ?? '';
    const spool = ['--spool', path.join(daemon.dir, 'spool')];
    expect(run('spool', 'show', ...spool).stdout).toContain(`${id}  <alice@sender.test> → <bob@one.test>`);
    expect(run('spool', 'show', id, ...spool).stdout).toContain('Subject: kept');
    expect(run('spool', 'export', id, ...spool).stdout).toMatch(/Subject: kept[\s\S]*the text/);
    expect(run('spool', 'verify', ...spool)).toMatchObject({ status: 0 });
    expect(run('spool', 'show', '00/00-00000-00000000', ...spool).status).toBe(1);
    expect(run('spool', 'verify', '--spool', '/nonexistent').status).toBe(66);
  });
});
