/** mail_loop from its stanza to its verdicts and vetoes. */
import os from 'node:os';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Address, bodyOf, Copy, Sockets } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { makeSession, rehearse } from '../../src/module/fixture.js';
import { PlaceTable } from '../../src/module/place.js';
import { makePlans } from '../../src/server/plans.js';
import { countReceived } from './count.js';
import mailLoop from './index.js';
import { gatherOwn, isOwn } from './interfaces.js';

const configureIt = (options: string) => configureText(`mail_loop "m" {\n${options}\n}`, { manifests: [mailLoop] });
const place = new PlaceTable().of('default', 'default', 'far.test');

async function start(options = '', listening = [{ ip: '127.0.0.1', port: 2525 }]) {
  const configured = await configureIt(options);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const rehearsal = rehearse({ service: (token) => (token === Sockets ? { listening: () => listening } : undefined) });
  const { registry } = rehearsal;
  registry.commit(await registry.prepare(makePlans(configured.snapshot, [mailLoop])));
  const { chains } = registry.current.hooks;
  const refresh = async () => registry.current.commands.get('mail_loop:m refresh')?.command.run([], new AbortController().signal);
  const veto = (ip: string, port = 2525) => chains.veto.run(place, { name: 'mx.test', ip, port, preference: 10 });
  return { ...rehearsal, chains, refresh, veto };
}

const headersOf = (...fields: string[]): Headers => new Headers(Buffer.from(`${fields.map((field) => `${field}\r\n`).join('')}\r\n`));
const hops = (n: number): string[] => Array.from({ length: n }, (_, i) => `Received: from h${i}.test by h${i + 1}.test; now`);

function draftOf(...fields: string[]): Copy {
  const reception = {
    batchId: 'b',
    connectionId: 'c',
    protocol: 'esmtp',
    receivedAt: 0,
    sender: null,
    facts: new Facts(),
    smtpUtf8: false,
  } as const;
  return new Copy(
    'id',
    reception,
    [new Address('a', 'b.test')],
    headersOf(...fields),
    bodyOf([Buffer.from('Received: not a header\r\n')]),
    new Facts(),
  );
}

describe('the count', () => {
  it.each([
    ['none', [], 0],
    ['whatever the case', ['RECEIVED: a', 'received: b', 'Received: c'], 3],
    ['a folded one once', ['Received: from a\r\n\tby b\r\n by c; now', 'Subject: x'], 1],
    ['no field whose name only begins like it', ['Received-SPF: pass', 'X-Received: a', 'Receiveds: b', 'Received: c'], 1],
    ['no line inside another field', ['Subject: x\r\n Received: no', 'Received: a'], 1],
  ])('counts %s', (_what, fields, count) => {
    expect(countReceived(headersOf(...fields))).toBe(count);
  });

  it('counts what is there, whatever stands around it', () => {
    const field = fc.constantFrom(
      'Received: a',
      'received:\tb\r\n c',
      'Received-SPF: pass',
      'Subject: Received: x',
      'To: a\r\n Received: z',
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 60 }), (fields) => {
        expect(countReceived(headersOf(...fields))).toBe(fields.filter((text) => /^received:/i.test(text)).length);
      }),
    );
  });
});

describe('a message', () => {
  it('passes with 20 Received fields and is refused with 21', async () => {
    const { chains } = await start();
    const passes = draftOf(...hops(20), 'Received-SPF: pass');
    expect(chains.data.run(makeSession(), passes)).toBeUndefined();
    expect(passes.facts.has('mail_loop_header_count')).toBe(false);
    const loops = draftOf(...hops(21));
    expect(chains.data.run(makeSession(), loops)).toEqual({
      do: 'reject',
      reply: { code: 554, status: '5.4.6', text: '[internal] mail loop: 21 Received headers' },
      by: 'mail_loop',
    });
    expect(loops.facts.get('mail_loop_header_count')).toBe('21');
  });

  it('is only marked with code = 250', async () => {
    const { chains } = await start('code = 250');
    const draft = draftOf(...hops(21));
    expect(chains.data.run(makeSession(), draft)).toBeUndefined();
    expect(draft.facts.get('mail_loop_header_count')).toBe('21');
  });

  it('is put off with a 4xx code', async () => {
    const { chains } = await start('code = 451\nmax_received_headers = 1');
    expect(chains.data.run(makeSession(), draftOf(...hops(1)))).toBeUndefined();
    expect(chains.data.run(makeSession(), draftOf(...hops(2)))).toMatchObject({
      do: 'tempfail',
      reply: { code: 451, status: '4.4.6', text: '[internal] mail loop: 2 Received headers' },
    });
  });

  it('is not counted on a connection that bypasses the module', async () => {
    const { chains } = await start();
    const session = makeSession();
    session.facts.set('__bypass_mail_loop', 'true');
    expect(chains.data.run(session, draftOf(...hops(50)))).toBeUndefined();
  });
});

describe('use_ip', () => {
  afterEach(() => vi.restoreAllMocks());
  const machine = (...addresses: string[]) =>
    vi.spyOn(os, 'networkInterfaces').mockReturnValue({
      eth0: addresses.map((address) => ({
        address,
        netmask: '',
        family: 'IPv4',
        mac: '',
        internal: false,
        cidr: null,
      })),
    });

  it('asks nobody unless it is on', async () => {
    const { chains, veto } = await start();
    expect(chains.veto.empty).toBe(true);
    expect(veto('127.0.0.1')).toBeUndefined();
  });

  it.each([
    '192.0.2.7',
    '2001:db8::7',
    'fe80::7',
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '0.0.0.0',
    '::',
    '::ffff:127.0.0.2',
    '::ffff:7f00:1',
    '::ffff:192.0.2.7',
    '2001:DB8:0:0::7',
    'fe80::7%eth1',
  ])('keeps connections to %s from being made', async (ip) => {
    machine('192.0.2.7', '2001:db8::7', 'fe80::7%eth0');
    const { veto } = await start('use_ip = true');
    expect(veto(ip)).toBe('554 5.4.6 [internal] loops back to this host');
    expect(veto(ip, 24)).toBe('554 5.4.6 [internal] loops back to this host');
  });

  it.each(['192.0.2.8', '198.51.100.1', '2001:db8::8', '::ffff:192.0.2.8', '128.0.0.1', '12.7.0.1'])('lets %s be', async (ip) => {
    machine('192.0.2.7', '2001:db8::7');
    expect((await start('use_ip = true')).veto(ip)).toBeUndefined();
  });

  it('looks only at ports we listen on with use_ip_ports', async () => {
    const { veto } = await start('use_ip = true\nuse_ip_ports = true', [
      { ip: '127.0.0.1', port: 2525 },
      { ip: '', port: 0 },
    ]);
    expect(veto('127.0.0.1', 2525)).toBe('554 5.4.6 [internal] loops back to this host');
    expect(veto('127.0.0.1', 24)).toBeUndefined();
  });

  it('reads the addresses anew every 300 s and on the console', async () => {
    machine('192.0.2.7');
    const { veto, clock, refresh, registry } = await start('use_ip = true');
    machine('192.0.2.8');
    expect(veto('192.0.2.8')).toBeUndefined();
    await clock.advance(299_000);
    expect(veto('192.0.2.8')).toBeUndefined();
    await clock.advance(2_000);
    expect(veto('192.0.2.8')).toBeTypeOf('string');
    expect(veto('192.0.2.7')).toBeUndefined();
    machine('192.0.2.9', '192.0.2.9');
    expect(await refresh()).toEqual([{ address: '192.0.2.9' }]);
    expect(veto('192.0.2.9')).toBeTypeOf('string');
    registry.stop();
  });

  it('knows the real addresses of this machine', async () => {
    const { refresh, veto } = await start('use_ip = true');
    const rows = await refresh();
    if (!Array.isArray(rows)) throw new Error('no rows');
    expect(rows.length).toBeGreaterThan(0);
    for (const { address } of rows) expect(veto(address)).toBeTypeOf('string');
  });

  it('compares whole addresses', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (mine, other) => {
        const own = gatherOwn([mine]);
        expect(isOwn(mine, own)).toBe(true);
        expect(isOwn(other, own)).toBe(other === mine || other.startsWith('127.') || other === '0.0.0.0');
      }),
    );
  });
});

describe('check', () => {
  it.each([
    ['max_received_headers = 0', /max_received_headers/i],
    ['max_received_headers = -1', /max_received_headers/i],
    ['max_received_headers = many', /max_received_headers/i],
    ['code = 300', /300 is no reply code for a loop/],
    ['code = 251', /251 is no reply code/],
    ['code = 600', /600 is no reply code/],
    ['code = 399', /399 is no reply code/],
    ['use_ip = perhaps', /use_ip/i],
  ])('refuses %s at its line', async (line, words) => {
    const configured = await configureIt(line);
    expect(configured.ok).toBe(false);
    expect(configured.problems).toHaveLength(1);
    expect(configured.problems[0]).toMatchObject({ severity: 'error', line: 2, say: expect.stringMatching(words) });
  });

  it.each(['code = 250', 'code = 400', 'code = 599', 'max_received_headers = 1'])('lets %s pass', async (line) => {
    expect((await configureIt(line)).ok).toBe(true);
  });
});
