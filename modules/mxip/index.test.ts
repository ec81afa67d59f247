/** mxip from its stanza to its answer. */
import { describe, expect, it } from 'vitest';
import { configureText } from '../../src/config/configure.js';
import { rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import mxip, { readAddress } from './index.js';

async function start(text: string) {
  const configured = await configureText(text, { manifests: [mxip] });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const rehearsal = rehearse();
  rehearsal.registry.commit(await rehearsal.registry.prepare(makePlans(configured.snapshot, [mxip])));
  return { ...rehearsal, ask: (host: string, v6 = false) => rehearsal.registry.current.hooks.chains.addresses.run(host, v6) };
}

describe('an address in place of a name', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7.', '192.0.2.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['1.2.3', undefined],
    ['1.2.3.4.5', undefined],
    ['010.1.1.1', undefined],
    ['256.1.1.1', undefined],
    ['0x7f.0.0.1', undefined],
    ['::ffff:127.0.0.1', undefined],
    ['fe80::1%eth0', undefined],
    ['mx.example', undefined],
    ['', undefined],
  ])('%j is %s', (name, ip) => {
    expect(readAddress(name)).toBe(ip);
  });
});

describe('mxip', () => {
  it('answers with the address, at once, and counts', async () => {
    const { ask, counts } = await start('mxip { ttl = 30 }');
    expect(ask('192.0.2.7')).toEqual({ ips: ['192.0.2.7'], ttlSeconds: 30 });
    expect(ask('mx.example')).toBeUndefined();
    expect(counts.get('mxip_taken')).toBe(1);
  });

  it('takes IPv6 only where IPv6 is used', async () => {
    const { ask } = await start('mxip { }');
    expect(ask('2001:db8::7')).toBeUndefined();
    expect(ask('2001:db8::7', true)).toEqual({ ips: ['2001:db8::7'], ttlSeconds: 600 });
  });

  it('says each use at level info', async () => {
    const { ask, said } = await start('mxip { debug_level = "info" }');
    ask('192.0.2.7');
    expect(said).toMatchObject([{ level: 'info', text: '192.0.2.7 in place of a host name is taken as the address 192.0.2.7' }]);
  });

  it('does nothing when it is loaded passively', async () => {
    const { ask } = await start('mxip { enabled = false }');
    expect(ask('192.0.2.7')).toBeUndefined();
  });

  it.each(['ttl = 0', 'ttl = "soon"', 'ttll = 3'])('check refuses %s', async (line) => {
    expect((await configureText(`mxip { ${line} }`, { manifests: [mxip] })).ok).toBe(false);
  });
});
