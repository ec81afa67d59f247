import { describe, expect, it } from 'vitest';
import { a, cname, mx, type Played, packetFor, soa } from './fixture.js';
import { encodeQuery } from './packet.js';
import { readAnswer } from './read-answer.js';

const ask = (played: Played, type = 'MX', takePart = false) =>
  readAnswer(packetFor(encodeQuery({ id: 1, name: 'example.com', type, edns: true }), played), 'example.com', type, takePart);

describe('answer', () => {
  it('finds records, whatever their case, with the shortest time', () => {
    expect(
      ask({ answers: [mx('EXAMPLE.com', 10, 'A.example', 300), mx('example.COM', 20, 'b.example', 60)], flags: ['ra', 'ad'] }),
    ).toEqual({
      kind: 'found',
      name: 'example.com',
      ttlSeconds: 60,
      authentic: true,
      partial: false,
      records: [
        { name: 'example.com', type: 'MX', ttlSeconds: 300, data: { preference: 10, exchange: 'A.example' } },
        { name: 'example.com', type: 'MX', ttlSeconds: 60, data: { preference: 20, exchange: 'b.example' } },
      ],
    });
  });

  it('passes over records of other names', () => {
    expect(ask({ answers: [mx('evil.example', 0, 'mx.evil.example')], authorities: [soa('x', 9, 9)] })).toMatchObject({
      kind: 'nodata',
      ttlSeconds: 9,
    });
  });

  it('follows CNAMEs', () => {
    const chain = [cname('example.com', 'b.example', 100), cname('b.example', 'c.example', 10), a('c.example', '192.0.2.1', 50)];
    expect(ask({ answers: chain }, 'A')).toMatchObject({ kind: 'found', name: 'c.example', ttlSeconds: 10 });
    expect(ask({ answers: chain.slice(0, 2) }, 'A')).toMatchObject({ kind: 'alias', target: 'c.example', ttlSeconds: 10 });
    expect(ask({ answers: chain.slice(0, 2), authorities: [soa('example', 60, 60)] }, 'A')).toMatchObject({
      kind: 'nodata',
      aliased: true,
    });
    expect(ask({ answers: chain.slice(0, 2), rcode: 3 }, 'A')).toMatchObject({ kind: 'nxdomain', aliased: true });
    expect(ask({ answers: chain }, 'CNAME')).toMatchObject({ kind: 'found', name: 'example.com', records: [{ data: 'b.example' }] });
    expect(ask({ answers: chain }, 'ANY')).toMatchObject({ kind: 'found', records: [{ type: 'CNAME' }] });
  });

  it('is not led in circles by them', () => {
    expect(ask({ answers: [cname('example.com', 'b.example'), cname('b.example', 'EXAMPLE.com')] }, 'A')).toMatchObject({
      kind: 'malformed',
    });
    const long = Array.from({ length: 20 }, (_, i) => cname(i === 0 ? 'example.com' : `n${i}.example`, `n${i + 1}.example`));
    expect(ask({ answers: long }, 'A')).toMatchObject({ kind: 'malformed', why: 'too many CNAMEs' });
  });

  it.each([
    [0, 'nodata'],
    [1, 'primitive'],
    [2, 'servfail'],
    [3, 'nxdomain'],
    [4, 'primitive'],
    [5, 'refused'],
    [9, 'servfail'],
    [15, 'servfail'],
  ])('knows rcode %i as %s', (rcode, kind) => expect(ask({ rcode })).toMatchObject({ kind }));

  it('takes a referral for a refusal', () => {
    const authorities = [{ type: 'NS', name: 'com', ttl: 1, data: 'ns.com' }] as const;
    expect(ask({ flags: [], authorities })).toMatchObject({ kind: 'refused' });
    expect(ask({ flags: ['ra'], authorities })).toMatchObject({ kind: 'nodata' });
  });

  it('takes the part that came only when it is told to, and concludes nothing from what is missing', () => {
    const cut: Played = { flags: ['ra', 'tc'], answers: [mx('example.com', 10, 'a.example')] };
    expect(ask(cut)).toEqual({ kind: 'truncated' });
    expect(ask(cut, 'MX', true)).toMatchObject({ kind: 'found', partial: true });
    expect(ask({ flags: ['ra', 'tc'] }, 'MX', true)).toMatchObject({ kind: 'malformed' });
    expect(ask({ flags: ['ra', 'tc'], rcode: 3 }, 'MX', true)).toMatchObject({ kind: 'malformed' });
  });

  it('reads a packet cut in the midst of a record as cut', () => {
    const whole = packetFor(encodeQuery({ id: 1, name: 'example.com', type: 'MX', edns: true }), {
      flags: ['ra', 'tc'],
      answers: [mx('example.com', 10, 'a.example'), mx('example.com', 20, 'b.example')],
    });
    const cut = whole.subarray(0, whole.length - 5);
    expect(readAnswer(cut, 'example.com', 'MX', false)).toEqual({ kind: 'truncated' });
    expect(readAnswer(cut, 'example.com', 'MX', true)).toMatchObject({ kind: 'found', records: [{ data: { exchange: 'a.example' } }] });
  });

  it('takes a time with the highest bit for none', () => {
    expect(ask({ answers: [mx('example.com', 10, 'a.example', 0x80000001)] })).toMatchObject({ kind: 'found', ttlSeconds: 0 });
  });

  it('does not care for what is broken behind the answers', () => {
    const bytes = packetFor(encodeQuery({ id: 1, name: 'example.com', type: 'MX', edns: true }), {
      answers: [mx('example.com', 10, 'a.example')],
      additionals: [{ type: 'NULL', name: 'x', ttl: 1, data: Buffer.from([1, 2, 3, 4]) }],
    });
    bytes.writeUInt16BE(47, bytes.length - 4 - 10);
    expect(readAnswer(bytes, 'example.com', 'MX', false)).toMatchObject({ kind: 'found' });
  });
});
