import { decode, type OptAnswer } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { a, mx, packetFor, soa } from './fixture.js';
import { EDNS_BYTES, encodeQuery, fitsQuery, outline, TYPE_NUMBERS } from './packet.js';
import { readAnswer } from './read-answer.js';

const query = encodeQuery({ id: 0x1234, name: 'example.com', type: 'MX', edns: true });

describe('query', () => {
  it('asks one question, with EDNS and the AD bit', () => {
    const { id, flag_rd, flag_ad, questions, additionals } = decode(query);
    expect({ id, flag_rd, flag_ad, questions }).toEqual({
      id: 0x1234,
      flag_rd: true,
      flag_ad: true,
      questions: [{ name: 'example.com', type: 'MX', class: 'IN' }],
    });
    expect(additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: EDNS_BYTES, ednsVersion: 0, flag_do: false }]);
    expect(decode(encodeQuery({ id: 1, name: '', type: 'NS', edns: false }))).toMatchObject({
      questions: [{ name: '.', type: 'NS' }],
      additionals: [],
    });
  });

  it('numbers its types as the codec does', () => {
    for (const [type, number] of TYPE_NUMBERS) {
      const bytes = encodeQuery({ id: 1, name: 'x', type, edns: false });
      expect(bytes.readUInt16BE(bytes.length - 4)).toBe(number);
    }
  });
});

describe('fit', () => {
  const answer = packetFor(query, { answers: [mx('example.com', 10, 'mx.example.com')] });
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(answer);
    bytes[at] = value;
    return bytes;
  };

  it('takes the answer, in any case of letters', () => {
    expect(fitsQuery(query, answer)).toBe(true);
    expect(fitsQuery(query, changed(13, 0x45))).toBe(true);
  });

  it.each([
    ['another id', changed(1, 0x35)],
    ['a query', changed(2, 0x01)],
    ['another opcode', changed(2, 0xa8)],
    ['another name', changed(13, 0x66)],
    ['another type', changed(26, 0x01)],
    ['another class', changed(28, 0x03)],
    ['two questions', changed(5, 2)],
    ['no question', changed(5, 0)],
    ['a head alone without an error', answer.subarray(0, 12)],
    ['half a question', answer.subarray(0, 20)],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s', (_, bytes) => expect(fitsQuery(query, bytes)).toBe(false));

  it('takes the head of a server that failed', () => {
    const head = Buffer.from([0x12, 0x34, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(fitsQuery(query, head)).toBe(true);
    head[3] = 0x83;
    expect(fitsQuery(query, head)).toBe(false);
  });
});

/** A header, no question, and octets behind it. */
const raw = (counts: readonly [number, number, number, number], ...octets: number[]): Buffer => {
  const bytes = Buffer.alloc(12 + octets.length);
  bytes.writeUInt16BE(0x8180, 2);
  counts.forEach((count, i) => void bytes.writeUInt16BE(count, 4 + 2 * i));
  bytes.set(octets, 12);
  return bytes;
};
const record = (type: number, length: number, ...data: number[]): number[] => [
  0,
  0,
  type,
  0,
  1,
  0,
  0,
  0,
  60,
  length >> 8,
  length & 255,
  ...data,
];

describe('outline', () => {
  it('tells what an answer says', () => {
    const bytes = packetFor(query, { rcode: 3, flags: ['aa', 'ad'], authorities: [soa('example.com', 300, 60)] });
    expect(outline(bytes)).toMatchObject({
      rcode: 3,
      authoritative: true,
      recursive: false,
      authentic: true,
      truncated: false,
      answers: 0,
      negativeSeconds: 60,
    });
    const referral = packetFor(query, { flags: [], authorities: [{ type: 'NS', name: 'com', ttl: 1, data: 'ns.com' }] });
    expect(outline(referral)).toMatchObject({ referral: true, negativeSeconds: undefined });
    const opt: OptAnswer = {
      type: 'OPT',
      name: '.',
      udpPayloadSize: 512,
      extendedRcode: 1,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    };
    expect(outline(packetFor(query, { additionals: [opt] }))).toMatchObject({ rcode: 16 });
  });

  it.each([
    ['no header', Buffer.alloc(11)],
    ['a question that is not there', raw([1, 0, 0, 0])],
    ['an answer that is not there', raw([0, 1, 0, 0])],
    ['a record cut off', raw([0, 1, 0, 0], 0, 0, 1, 0, 1)],
    ['data longer than the packet', raw([0, 1, 0, 0], ...record(99, 300, 1))],
    ['an A of 3 octets', raw([0, 1, 0, 0], ...record(1, 3, 1, 2, 3))],
    ['an AAAA of 4 octets', raw([0, 1, 0, 0], ...record(28, 4, 1, 2, 3, 4))],
    ['an MX without a name', raw([0, 1, 0, 0], ...record(15, 2, 0, 10))],
    ['an MX whose name is longer than its data', raw([0, 1, 0, 0], ...record(15, 4, 0, 10, 1, 97), 0)],
    ['a CNAME with octets behind it', raw([0, 1, 0, 0], ...record(5, 3, 1, 97, 0, 9).slice(0, -1), ...[]).subarray(0, 25)],
    ['a TXT whose string is longer than its data', raw([0, 1, 0, 0], ...record(16, 2, 9, 65))],
    ['a name that points at itself', raw([0, 1, 0, 0], 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4)],
    ['a name that points forward', raw([0, 1, 0, 0], 0xc0, 20, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4)],
    ['a name that points into the header', raw([0, 1, 0, 0], 0xc0, 4, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4)],
    ['a label of a kind that does not exist', raw([0, 1, 0, 0], 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4)],
    ['more answers than anybody has', raw([0, 1001, 0, 0])],
    [
      'a name of 300 octets',
      raw(
        [0, 1, 0, 0],
        ...Array.from({ length: 5 }, () => [60, ...Array.from({ length: 60 }, () => 97)]).flat(),
        0,
        0,
        1,
        0,
        1,
        0,
        0,
        0,
        1,
        0,
        0,
      ),
    ],
  ])('refuses %s', (_, bytes) => expect(typeof outline(bytes)).toBe('string'));

  it('is not led through long chains of pointers', () => {
    // Every pointer leads back to the one before it, and the first to a plain end: nothing is wrong but their number.
    const names = (jumps: number): Buffer => {
      const start = 12 + 11;
      const chain = [0, 0];
      for (let i = 1; i <= jumps; i++) chain.push(0xc0 | ((start + 2 * (i - 1)) >> 8), (start + 2 * (i - 1)) & 255);
      const last = start + 2 * jumps;
      const pointing = [0xc0 | (last >> 8), last & 255, 0, 99, 0, 1, 0, 0, 0, 1, 0, 0];
      return raw([0, 401, 0, 0], ...record(99, chain.length, ...chain), ...Array.from({ length: 400 }, () => pointing).flat());
    };
    expect(outline(names(20))).toMatchObject({ answers: 401 });
    expect(outline(names(5000))).toBe('broken name');
  });

  it('lives through any octets, and so does the reader', () => {
    const good = packetFor(query, { answers: [mx('example.com', 10, 'mx.example.com'), a('mx.example.com', '192.0.2.1')] });
    const bent = fc
      .tuple(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), fc.nat(good.length))
      .map(([changes, length]) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        return length > 20 ? bytes.subarray(0, length) : bytes;
      });
    fc.assert(
      fc.property(
        fc.oneof(
          bent,
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          const reading = readAnswer(bytes, 'example.com', 'MX', false);
          expect(typeof reading.kind).toBe('string');
          if (reading.kind === 'found') expect(reading.records.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
