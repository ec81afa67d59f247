import { describe, expect, it } from 'vitest';
import type { Answer } from '../dns/answer.js';
import type { AnyRecord } from '../dns/resolver.js';
import { chooseUsable, findDane } from './dane.js';

const { signal } = new AbortController();
const record = (usage: number, selector: number, matching: number, data: Buffer) => ({ usage, selector, matching, data });
const b32 = Buffer.alloc(32, 1);
const b64 = Buffer.alloc(64, 2);

describe('chooseUsable', () => {
  it('takes usages 2 and 3 with digests of the right length', () => {
    const good = [record(3, 1, 1, b32), record(2, 0, 1, b32)];
    expect(
      chooseUsable([...good, record(0, 0, 1, b32), record(1, 0, 1, b32), record(3, 2, 1, b32), record(3, 1, 3, b32), record(3, 1, 1, b64)]),
    ).toEqual(good);
  });
  it('passes over weaker digests of the same kind, not over those of another', () => {
    const list = [record(3, 1, 1, b32), record(3, 1, 2, b64), record(2, 1, 1, b32)];
    expect(chooseUsable(list)).toEqual(list.slice(1));
  });
  it('wants whole certificates and keys to be such', () => {
    expect(chooseUsable([record(3, 0, 0, b32), record(3, 1, 0, b32)])).toEqual([]);
  });
});

const tlsa = (name: string, secure: boolean): Answer<AnyRecord> => ({
  kind: 'found',
  name,
  ttlSeconds: 60,
  secure,
  from: 'dns',
  records: [{ name, type: 'TLSA', ttlSeconds: 60, data: { usage: 3, selector: 1, matchingType: 1, certificate: b32 } }],
});
const none: Answer<AnyRecord> = { kind: 'nodata', ttlSeconds: 30, secure: true };
const failed: Answer<AnyRecord> = { kind: 'servfail', why: 'bogus', ttlSeconds: 5, fresh: true, outage: false };

function resolverOf(answers: Readonly<Record<string, Answer<AnyRecord>>>) {
  const asked: string[] = [];
  return {
    asked,
    any: async (name: string, type: string) => {
      asked.push(`${type} ${name}`);
      return answers[name] ?? none;
    },
  };
}

describe('findDane', () => {
  it('asks at the end of the CNAMEs first, then at the name itself', async () => {
    const resolver = resolverOf({ '_25._tcp.mx.test': tlsa('_25._tcp.mx.test', true) });
    const found = await findDane(resolver, ['end.test', 'mx.test'], 25, signal);
    expect(resolver.asked).toEqual(['TLSA _25._tcp.end.test', 'TLSA _25._tcp.mx.test']);
    expect(found).toMatchObject({ kind: 'records', base: 'mx.test', ttlSeconds: 30, strings: [`3 1 1 ${b32.toString('hex')}`] });
  });
  it('believes nothing that DNSSEC does not prove', async () => {
    expect(await findDane(resolverOf({ '_25._tcp.mx.test': tlsa('x', false) }), ['mx.test'], 25, signal)).toMatchObject({ kind: 'none' });
  });
  it('a failed look-up is no absence', async () => {
    const answers = { '_2525._tcp.end.test': failed, '_2525._tcp.mx.test': tlsa('x', true) };
    expect(await findDane(resolverOf(answers), ['end.test', 'mx.test'], 2525, signal)).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('bogus'),
    });
  });
});
