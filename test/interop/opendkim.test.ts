/** A key made by opendkim-genkey, signatures made by the daemon's dkim_sign, and OpenDKIM as their judge. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { runProgram } from '../harness/program.js';
import { needs } from '../needs.js';

// Its test mode takes the blanks behind a colon for one.
const MAIL =
  'From: Ann <ann@site.test>\r\nTo: bob@far.test\r\nSubject: folded\r\n\tand   wide \r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\n\r\n.dot\r\nwide   room \t\r\ngr\xc3\xb6\xc3\x9fer\r\n\r\n\r\n';

/** What a zone file of opendkim-genkey says in its TXT record. */
const recordIn = (zone: string): string => [...zone.matchAll(/"([^"]*)"/g)].map(([, piece]) => piece).join('');

needs('opendkim', 'opendkim-tools')('OpenDKIM', () => {
  it.each([
    ['relaxed', 'relaxed'],
    ['relaxed', 'simple'],
    ['simple', 'relaxed'],
    ['simple', 'simple'],
  ])('believes a signature of header %s and body %s, and none after a change', async (header, body) => {
    await using sink = await startSink();
    let keys = '';
    await using daemon = await startDaemon({
      conf: (place) => {
        keys = path.join(place.dir, 'keys');
        fs.mkdirSync(keys);
        execFileSync('opendkim-genkey', ['-D', keys, '-d', 'site.test', '-s', 'k1', '-b', '2048']);
        const stanza = [
          'dkim_sign "sig" {',
          '  headerlist = "From:From:To?:Cc?:Subject:Date"',
          `  key = "${keys}/%{s}.private"  selector = "k1"  digest = "rsa-sha256"`,
          `  header_canon = "${header}"  body_canon = "${body}"`,
          '  dk_domain "site.test" { }',
          '}',
          '',
        ];
        return plainConf(place, { sinkPort: sink.port, more: stanza.join('\n') });
      },
    });

    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.command('MAIL FROM:<ann@site.test> BODY=8BITMIME', 250);
    await client.command('RCPT TO:<bob@far.test>', 250);
    await client.command('DATA', 354);
    client.send(`${MAIL.replace(/^\./gm, '..')}.\r\n`);
    await client.expect(250);
    await sink.waitFor(1);
    const text = sink.received[0]?.raw.toString('latin1') ?? '';
    expect(text).toMatch(/^DKIM-Signature: /m);

    const at = (name: string): string => path.join(keys, name);
    fs.writeFileSync(at('zone'), `k1._domainkey.site.test ${recordIn(fs.readFileSync(at('k1.txt'), 'latin1'))}\n`);
    fs.writeFileSync(at('conf'), `Mode v\nTestDNSData file:${at('zone')}\nUserID root\n`);
    const judge = async (name: string, message: string): Promise<string> => {
      fs.writeFileSync(at(name), message, 'latin1');
      const { stdout, stderr } = await runProgram('opendkim', ['-x', at('conf'), '-vv', '-t', at(name)], { timeoutMs: 10_000 });
      return `${stdout}${stderr}`;
    };
    expect(await judge('good', text)).toContain('dkim=pass');
    expect(await judge('other-body', text.replace('.dot', '.dots'))).toContain('dkim=fail');
    expect(await judge('other-header', text.replace('folded', 'bent'))).toContain('dkim=fail');
    expect(await judge('second-from', `From: eve@site.test\r\n${text}`)).toContain('dkim=fail');
  });
});
