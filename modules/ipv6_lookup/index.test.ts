/** ipv6_lookup over name servers that know, do not know, or say nothing. */
import { describe, expect, it } from 'vitest';
import { type Answer, Dns, type HostAddress, type HostAddresses, type Names } from '#module';
import { configureText } from '../../src/config/configure.js';
import { rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import ipv6Lookup from './index.js';
import { orderAddresses } from './order.js';

const found = (ttlSeconds: number, ...ips: string[]): Answer<HostAddress> => ({
  kind: 'found',
  records: ips.map((ip) => ({ ip, family: ip.includes(':') ? 6 : 4 })),
  name: 'mx.example',
  ttlSeconds,
  secure: false,
  from: 'dns',
});
const missing: Answer<HostAddress> = { kind: 'nodata', ttlSeconds: 300, secure: false };
const failed: Answer<HostAddress> = { kind: 'servfail', why: 'no', ttlSeconds: 5, fresh: true, outage: false };
const never = Symbol('never');

async function start(a: Answer<HostAddress>, aaaa: Answer<HostAddress> | typeof never, options = '') {
  const signals: AbortSignal[] = [];
  const dns: Pick<Names, 'addresses'> = {
    addresses: (_host, { v4 }, signal) => {
      if (v4) return Promise.resolve(a);
      signals.push(signal);
      if (aaaa !== never) return Promise.resolve(aaaa);
      return new Promise((_done, fail) => signal.addEventListener('abort', () => fail(signal.reason), { once: true }));
    },
  };
  const configured = await configureText(`use_ipv6 = true\nipv6_lookup "x" { ${options} }`, { manifests: [ipv6Lookup] });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const rehearsal = rehearse({ service: (token) => (token === Dns ? dns : undefined) });
  rehearsal.registry.commit(await rehearsal.registry.prepare(makePlans(configured.snapshot, [ipv6Lookup])));
  const ask = (v6 = true): HostAddresses | undefined | Promise<HostAddresses | undefined> =>
    rehearsal.registry.current.hooks.chains.addresses.run('mx.example', v6);
  return { ...rehearsal, ask, signals };
}

describe('the order', () => {
  const ips = ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2'];

  it('is by family, and within a family as it came', () => {
    expect(orderAddresses(ips, 'v4', [])).toEqual(['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2']);
    expect(orderAddresses(ips, 'v6', [])).toEqual(['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2']);
  });

  it('is by reach and precedence with rfc6724', () => {
    const mixed = ['fd00::1', '2002:c000:201::1', '192.0.2.1', '2600::1', '::1', '2001::1'];
    expect(orderAddresses(mixed, 'rfc6724', ['198.51.100.1', '2600::9'])).toEqual([
      '::1',
      '2600::1',
      '192.0.2.1',
      '2002:c000:201::1',
      '2001::1',
      'fd00::1',
    ]);
    expect(orderAddresses(ips, 'rfc6724', ['198.51.100.1'])).toEqual(['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2']);
  });
});

describe('ipv6_lookup', () => {
  it('puts IPv6 behind IPv4, with the shorter time to live', async () => {
    const { ask } = await start(found(300, '192.0.2.1'), found(200, '2001:db8::1', '::ffff:192.0.2.9'));
    expect(await ask()).toEqual({ ips: ['192.0.2.1', '2001:db8::1'], ttlSeconds: 200, ordered: true });
  });

  it('uses the family that is there, and asks again soon where the other failed', async () => {
    expect(await (await start(missing, found(200, '2001:db8::1'))).ask()).toEqual({ ips: ['2001:db8::1'], ttlSeconds: 200, ordered: true });
    expect(await (await start(failed, found(200, '2001:db8::1'))).ask()).toMatchObject({ ips: ['2001:db8::1'], ttlSeconds: 60 });
    expect(await (await start(found(300, '192.0.2.1'), failed)).ask()).toMatchObject({ ips: ['192.0.2.1'], ttlSeconds: 60 });
    expect(await (await start(found(300, '192.0.2.1'), missing)).ask()).toMatchObject({ ips: ['192.0.2.1'], ttlSeconds: 300 });
  });

  it('leaves it to the core when nobody has anything, when /etc/hosts speaks, and when IPv6 is not used', async () => {
    expect(await (await start(missing, missing)).ask()).toBeUndefined();
    expect(await (await start(failed, failed)).ask()).toBeUndefined();
    expect(await (await start({ ...found(9, '192.0.2.1'), from: 'file' } as Answer<HostAddress>, missing)).ask()).toBeUndefined();
    expect(await (await start(found(300, '192.0.2.1'), missing)).ask(false)).toBeUndefined();
  });

  it('waits two seconds for a server that is silent about IPv6, ends the question and goes on', async () => {
    const { ask, clock, signals, counts } = await start(found(300, '192.0.2.1'), never);
    const answer = ask();
    await new Promise(setImmediate);
    await clock.advance(1_990);
    expect(signals[0]?.aborted).toBe(false);
    await clock.advance(20);
    expect(await answer).toEqual({ ips: ['192.0.2.1'], ttlSeconds: 60, ordered: true });
    expect(signals[0]?.aborted).toBe(true);
    expect(counts.get('ipv6_lookup_late')).toBe(1);
  });

  it('check says that it needs use_ipv6, and refuses what it does not know', async () => {
    const without = await configureText('ipv6_lookup "x" { }', { manifests: [ipv6Lookup] });
    expect(without.ok && without.problems).toMatchObject([{ severity: 'notice', say: expect.stringContaining('use_ipv6') }]);
    expect((await configureText('ipv6_lookup "x" { prefer = v5 }', { manifests: [ipv6Lookup] })).ok).toBe(false);
    expect((await configureText('ipv6_lookup "x" { timeot = 1 }', { manifests: [ipv6Lookup] })).ok).toBe(false);
  });
});
