import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkScan } from './chunk-scan.js';
import { DataScan } from './data-scan.js';
import { repairLineEnds } from './message-scan.js';
import { stuffDots } from './stuff.js';

/** The rules spelled out octet by octet over the whole content. */
function readSlowly(all: Buffer): { end: number; header: string; body: string; dots: boolean; bareLf: number; bareCr: number } {
  const text = all.toString('latin1');
  let out = '';
  let end = -1;
  let i = 0;
  let headerEnd = -1;
  let dots = false;
  let lineStart = true;
  while (i < text.length) {
    if (lineStart && text[i] === '.') {
      if (text.startsWith('.\r\n', i)) {
        end = i + 3;
        break;
      }
      if (i + 1 >= text.length || (text[i + 1] === '\r' && i + 2 >= text.length)) break;
      i++;
      if (text[i] === '.' && headerEnd >= 0) dots = true;
    }
    lineStart = false;
    if (text.startsWith('\r\n', i)) {
      const atStart = out === '' || out.endsWith('\r\n');
      out += '\r\n';
      i += 2;
      lineStart = true;
      if (headerEnd < 0 && atStart) headerEnd = out.length;
    } else if (text[i] === '\r' && i + 1 >= text.length) {
      out += '\r';
      i++;
    } else out += text[i++];
  }
  const cut = headerEnd < 0 ? out.length : headerEnd;
  return {
    end,
    header: out.slice(0, cut),
    body: out.slice(cut),
    dots,
    bareLf: (out.match(/(?<!\r)\n/g) ?? []).length,
    bareCr: (out.match(/\r(?!\n|$)/g) ?? []).length,
  };
}

const join = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString('latin1');

function scan(all: Buffer, cuts: readonly number[]): { scan: DataScan; end: number } {
  const reader = new DataScan();
  const borders = [...new Set(cuts.map((c) => c % (all.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const border of [...borders, all.length]) {
    // Copied, so that alignment differs from chunk to chunk.
    const end = reader.push(Buffer.from(all.subarray(at, border)));
    if (end >= 0) return { scan: reader, end: at + end };
    at = border;
  }
  return { scan: reader, end: -1 };
}

const piece = fc.constantFrom(
  '\r\n',
  '\r\n',
  '\r',
  '\n',
  '.',
  '..',
  '.\r\n',
  'a',
  'Subject: x',
  'some longer run of plain text here',
  '\0',
  '\xe9',
  '\t',
  '\r\n.\r\n',
);
const content = fc.array(piece, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''), 'latin1'));

describe('DataScan', () => {
  it('reads the same as the slow rules, wherever the content is cut', () => {
    fc.assert(
      fc.property(content, fc.array(fc.nat(400), { maxLength: 8 }), (all, cuts) => {
        const { scan: reader, end } = scan(all, cuts);
        const slow = readSlowly(all);
        expect(end).toBe(slow.end);
        expect(join(reader.header)).toBe(slow.header);
        expect(join(reader.body)).toBe(slow.body);
        expect(reader.headerFacts.bareLf + reader.bodyFacts.bareLf).toBe(slow.bareLf);
        expect(reader.headerFacts.bareCr + reader.bodyFacts.bareCr).toBe(slow.bareCr);
        expect(reader.dots).toBe(slow.dots);
        expect(reader.size).toBe(slow.header.length + slow.body.length);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['\n.\n', '\r.\r', '\n.\r\n', '\r\n.\n', '\r\n.\r', '\r.\r\n', '\n.\r', '\r.\n', '\r\r\n.\r\r\n', '\r\n.\r\r\n'])(
    'bad-inputs 1: %j is never the end',
    (form) => {
      const reader = new DataScan();
      expect(reader.push(Buffer.from(`a: b\r\n\r\nx${form}MAIL FROM:<x@y>`, 'latin1'))).toBe(-1);
      expect(reader.push(Buffer.from('\r\n.\r\nQUIT', 'latin1'))).toBe(5);
    },
  );

  it('notes long lines, eight-bit octets and NUL', () => {
    const reader = new DataScan();
    const all = Buffer.from(`a: b\r\n\r\n${'x'.repeat(1200)}\r\n\xff\0\r\n.\r\n`, 'latin1');
    expect(reader.push(all)).toBe(all.length);
    expect(reader).toMatchObject({ eightBit: true, hasNul: true, headerEnded: true, dots: false });
    expect(reader.bodyFacts).toMatchObject({ longestLine: 1200, lines: 2 });
    expect(reader.headerFacts).toMatchObject({ lines: 2, longestLine: 4 });
  });

  it('gives back the chunk itself when nothing has to be taken out', () => {
    const reader = new DataScan();
    const header = Buffer.from('a: b\r\n\r\n');
    const body = Buffer.from('line one\r\nline two\r\n');
    reader.push(header);
    reader.push(body);
    expect(reader.body[0]).toBe(body);
    expect(reader.takeBody()).toHaveLength(1);
    expect(reader.body).toHaveLength(0);
  });
});

describe('stuffing', () => {
  it('is what the scan takes out, wherever either is cut', () => {
    fc.assert(
      fc.property(content, fc.array(fc.nat(400), { maxLength: 6 }), fc.array(fc.nat(400), { maxLength: 6 }), (all, cutsOut, cutsIn) => {
        const whole = Buffer.concat([all, Buffer.from('\r\n')]);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of [...cutsOut.map((c) => c % (whole.length + 1)).sort((a, b) => a - b), whole.length]) {
          chunks.push(whole.subarray(at, cut));
          at = cut;
        }
        const wire = Buffer.concat([...stuffDots(chunks), Buffer.from('.\r\n')]);
        const { scan: reader, end } = scan(wire, cutsIn);
        expect(end).toBe(wire.length);
        expect(join(reader.header) + join(reader.body)).toBe(whole.toString('latin1'));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('crumbs', () => {
  it('takes a message octet by octet and holds it in few buffers', () => {
    const all = Buffer.from(`a: b\r\n\r\n${'some text\r\n..\r\n'.repeat(3000)}.\r\n`);
    const { scan: reader, end } = scan(
      all,
      Array.from({ length: all.length }, (_, i) => i),
    );
    expect(end).toBe(all.length);
    expect(join(reader.body)).toBe('some text\r\n.\r\n'.repeat(3000));
    expect(reader.body.length).toBeLessThan(30);
  });

  it('holds a body of stuffed dots in few buffers, and gives it out in between', () => {
    const reader = new DataScan();
    reader.push(Buffer.from('a: b\r\n\r\n'));
    let taken = '';
    for (let i = 0; i < 50; i++) {
      reader.push(Buffer.from('..\r\n'.repeat(1000)));
      expect(reader.body.length).toBeLessThan(16);
      if (i % 2 === 0) taken += join(reader.takeBody());
    }
    expect(taken + join(reader.body)).toBe('.\r\n'.repeat(50_000));
  });
});

/** What a receiver does that repairs: other bytes, read anew. */
function repair(parts: readonly Buffer[]): ChunkScan {
  const again = new ChunkScan();
  again.push(repairLineEnds(Buffer.concat(parts)));
  again.finish();
  return again;
}

describe('facts', () => {
  it('tells eight-bit octets of header and body apart', () => {
    const read = (text: string) => {
      const reader = new DataScan();
      reader.push(Buffer.from(text, 'latin1'));
      return [reader.headerFacts.eightBit, reader.bodyFacts.eightBit, reader.eightBit];
    };
    expect(read('a: \xe9\r\n\r\nb\r\n.\r\n')).toEqual([true, false, true]);
    expect(read('a: b\r\n\r\nlonger text in which \xe9 stands\r\n.\r\n')).toEqual([false, true, true]);
    expect(read('a: \xe9\r\n\r\n\xe9\r\n.\r\n')).toEqual([true, true, true]);
    expect(read('a: b\r\n\r\nb\r\n.\r\n')).toEqual([false, false, false]);
  });

  it('knows an empty message', () => {
    const reader = new DataScan();
    expect(reader.push(Buffer.from('.\r\n'))).toBe(3);
    expect(reader).toMatchObject({ size: 0, headerEnded: false, ended: true });
  });

  it('reads repaired content again', () => {
    const reader = new DataScan();
    reader.push(Buffer.from('a: b\r\r\nc: d\n\nbody\n.\nmore\r.\r\n.\r\n', 'latin1'));
    const again = repair([...reader.header, ...reader.body]);
    expect(join(again.header)).toBe('a: b\r\nc: d\r\n\r\n');
    expect(join(again.body)).toBe('body\r\n.\r\nmore\r\n.\r\n');
    expect(again).toMatchObject({ dots: true, headerEnded: true });
    expect(again.headerFacts.bareLf + again.bodyFacts.bareLf + again.headerFacts.bareCr + again.bodyFacts.bareCr).toBe(0);
  });
});

describe('ChunkScan', () => {
  it.each([
    ['a: b\r\n\r\nlast', 'last\r\n', 0],
    ['a: b\r\n\r\nlast\r', 'last\r\r\n', 1],
    ['a: b\r\n\r\nlast\r\n', 'last\r\n', 0],
    ['a: b\r\n\r\n', '', 0],
  ])('%j: finishing closes the last line', (text, body, bareCr) => {
    const reader = new ChunkScan();
    for (const octet of Buffer.from(text)) expect(reader.push(Buffer.of(octet))).toBe(-1);
    reader.finish();
    expect(join(reader.body)).toBe(body);
    expect(reader.bodyFacts.bareCr).toBe(bareCr);
    expect(reader.bodyFacts.lines).toBe(body === '' ? 0 : 1);
    expect(reader.size).toBe(8 + body.length);
    expect(reader.ended).toBe(true);
  });

  it('never ends by itself, and keeps dots as they are', () => {
    const reader = new ChunkScan();
    expect(reader.push(Buffer.from('a: b\r\n\r\n.\r\n..x\r\n'))).toBe(-1);
    expect(join(reader.body)).toBe('.\r\n..x\r\n');
    expect(reader.dots).toBe(true);
  });

  it('keeps every octet and tells the same facts, wherever the content is cut', () => {
    fc.assert(
      fc.property(content, fc.array(fc.nat(400), { maxLength: 8 }), (all, cuts) => {
        const reader = new ChunkScan();
        let at = 0;
        for (const border of [...cuts.map((c) => c % (all.length + 1)).sort((a, b) => a - b), all.length]) {
          reader.push(all.subarray(at, border));
          at = border;
        }
        expect(join(reader.header) + join(reader.body)).toBe(all.toString('latin1'));
        expect(reader.dots).toBe(/\r\n\./.test(join(reader.header).slice(-2) + join(reader.body)) && reader.headerEnded);
      }),
      { numRuns: 1000 },
    );
  });
});
