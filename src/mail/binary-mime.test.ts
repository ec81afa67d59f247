/** Octets of binary parts come back as they were, told by mailparser; what cannot be lines is refused; nothing leaks out as a line. */
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { BinaryMender, surveyBinary } from './binary-mime.js';
import { Headers } from './headers.js';
import { declareEncoding } from './mend-lines.js';

const LIMIT = 998;
const BOUND = '=-bound';

/** Whole message to whole message; a text when it is refused. `cut`: octets of each chunk. */
function convert(message: string | Buffer, cut = 4096): Buffer | string {
  const whole = typeof message === 'string' ? Buffer.from(message, 'latin1') : message;
  const at = whole.indexOf('\r\n\r\n', 0, 'latin1') + 4;
  const headers = new Headers(whole.subarray(0, at));
  const body = whole.subarray(at);
  const chunks: Buffer[] = [];
  for (let from = 0; from < body.length; from += cut) chunks.push(body.subarray(from, from + cut));
  const walk = surveyBinary(headers, LIMIT);
  for (const chunk of chunks) if (!walk.push(chunk)) break;
  const survey = walk.finish();
  if (survey.isHopeless) return 'hopeless';
  declareEncoding(headers, survey);
  const mender = new BinaryMender(survey, body.length, LIMIT);
  const pieces = [...chunks.flatMap((chunk) => mender.push(chunk)), ...mender.end()];
  return mender.fault ?? Buffer.concat([headers.bytes(), ...pieces]);
}

const textOf = (message: string | Buffer, cut?: number): string => convert(message, cut).toString('latin1');

const part = (type: string, encoding: string, content: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`Content-Type: ${type}\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`),
    content,
  ]);

function multipart(parts: readonly Buffer[], { bound = BOUND, kind = 'mixed', encoding = 'binary' } = {}): Buffer {
  return Buffer.concat([
    Buffer.from(`Content-Type: multipart/${kind}; boundary="${bound}"\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`),
    ...parts.flatMap((one) => [Buffer.from(`--${bound}\r\n`), one, Buffer.from('\r\n')]),
    Buffer.from(`--${bound}--\r\n`),
  ]);
}

const TOP = Buffer.from('From: a@b.test\r\nMIME-Version: 1.0\r\n');
const message = (...entity: Buffer[]): Buffer => Buffer.concat([TOP, ...entity]);

const NASTY = ['\r', '\n', '\0', '\r\n', '\r\n.\r\n', '\n.\n', '\r.\r', '--', '\r\n--', '=', ' \r\n', 'é', 'x'.repeat(1100), '\xff'];
const bytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(...NASTY).map((text) => Buffer.from(text, 'latin1')),
      fc.uint8Array({ maxLength: 90 }),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => Buffer.concat(pieces))
  .filter((all) => !all.includes(`--${BOUND}`) && !all.includes('--outer'));

const types = fc.constantFrom('application/octet-stream', 'image/png', 'text/plain; charset=iso-8859-1', 'text/html');

describe('any octets', () => {
  it('of binary parts come back as they were, however they were cut, and nothing but lines is left', async () => {
    const nested = fc.tuple(
      fc.array(fc.tuple(types, bytes), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 700 }),
    );
    await fc.assert(
      fc.asyncProperty(nested, async ([parts, deep, cut]) => {
        const inner = multipart(parts.map(([type, content]) => part(type, 'binary', content)));
        const whole = message(deep ? multipart([inner], { bound: '--outer' }) : inner);
        const out = convert(whole, cut);
        expect(out).not.toBeTypeOf('string');
        expect(out).toEqual(convert(whole));
        expect(out.toString('latin1')).not.toMatch(/\0|\r(?!\n)|(?<!\r)\n|[^\r\n]{999}|encoding: binary/i);
        const read = await simpleParser(out as Buffer, { skipHtmlToText: true });
        expect(read.attachments.map(({ content }) => content.toString('hex'))).toEqual(parts.map(([, content]) => content.toString('hex')));
      }),
      { numRuns: 150 },
    );
  });

  it('of a message that is one part come back too, open last line or not', async () => {
    await fc.assert(
      fc.asyncProperty(types, bytes, async (type, content) => {
        const read = await simpleParser(convert(message(part(type, 'binary', content))) as Buffer);
        expect(read.attachments[0]?.content.toString('hex') ?? '').toBe(content.toString('hex'));
      }),
      { numRuns: 100 },
    );
  });

  it('make any message either lines or a refusal', () => {
    const scraps = fc.constantFrom(
      ...NASTY,
      ...[`--${BOUND}\r\n`, `\r\n--${BOUND}\r\n`, `\r\n--${BOUND}--`, '\r\n\r\n', 'Content-Transfer-Encoding: binary\r\n'],
      ...['Content-Type: message/rfc822\r\n', `Content-Type: multipart/mixed; boundary="${BOUND}"\r\n`, 'Content-Type: a/b\r\n'],
    );
    fc.assert(
      fc.property(fc.array(scraps, { maxLength: 14 }), fc.integer({ min: 1, max: 40 }), (pieces, cut) => {
        const whole = message(
          Buffer.from(`Content-Type: multipart/mixed; boundary="${BOUND}"\r\n\r\n--${BOUND}\r\n${pieces.join('')}`, 'latin1'),
        );
        const out = convert(whole, cut);
        expect(String(convert(whole))).toBe(String(out));
        if (typeof out !== 'string') expect(out.toString('latin1')).not.toMatch(/\0|\r(?!\n)|(?<!\r)\n|[^\r\n]{999}/);
      }),
    );
  });
});

describe('what becomes of a part', () => {
  it('text of lines only loses the name binary, text of few odd octets is quoted, data is base64', () => {
    const out = textOf(
      message(
        multipart([
          part('text/plain', 'binary', Buffer.from('hello\r\nworld')),
          part('text/plain', 'binary', Buffer.from('größe\r\n')),
          part('text/plain', 'binary', Buffer.from('one line of text\nand another line of text')),
          part('image/gif', 'binary', Buffer.from('GIF89a')),
          part('image/gif', '8bit', Buffer.from('GIF\0')),
        ]),
      ),
    );
    const encodings = [...out.matchAll(/Encoding: (\S+)/g)].map((found) => found[1]);
    expect(encodings).toEqual(['8bit', '7bit', '8bit', 'quoted-printable', 'base64', 'base64']);
    expect(out).toContain('text=0Aand');
  });

  it('what lines can carry and nobody called binary stays octet by octet', () => {
    const whole = message(
      multipart([part('text/plain', '8bit', Buffer.from('größe\r\n.\r\n')), part('a/b', '7bit', Buffer.from('x'))], { encoding: '8bit' }),
    );
    expect(textOf(whole)).toBe(whole.toString('latin1'));
  });

  it('messages within are walked through, never encoded as a whole (RFC 2045 6.4)', async () => {
    const inner = message(multipart([part('a/b', 'binary', Buffer.from('\0\r\n.\r\n'))]));
    const out = textOf(message(Buffer.from('Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n'), inner));
    expect([...out.matchAll(/Encoding: (\S+)/g)].map((found) => found[1])).toEqual(['8bit', '8bit', 'base64']);
    const read = await simpleParser(out.slice(out.indexOf('\r\n\r\n') + 4));
    expect(read.attachments[0]?.content.toString('latin1')).toBe('\0\r\n.\r\n');
  });

  it('a boundary stands behind CRLF: what looks like one behind a lone LF is content', async () => {
    const content = Buffer.from(`a\n--${BOUND}\nb\r--${BOUND}--\r`);
    const read = await simpleParser(convert(message(multipart([part('a/b', 'binary', content)]))) as Buffer);
    expect(read.attachments.map((one) => String(one.content))).toEqual([String(content)]);
  });
});

describe('what is refused', () => {
  it('signed parts that would have to change; they pass when they need not', () => {
    const signed = (content: string, encoding = 'binary') =>
      message(multipart([part('a/b', encoding, Buffer.from(content)), part('a/sig', '7bit', Buffer.from('x'))], { kind: 'signed' }));
    expect(convert(signed('a\nb'))).toBe('hopeless');
    expect(convert(signed('\0', '8bit'))).toBe('hopeless');
    expect(textOf(signed('fine'))).toBe(signed('fine').toString('latin1').replace('Encoding: binary', 'Encoding: 8bit'));
  });

  it.each([
    ['a lone LF before the first part', `x\ny\r\n--${BOUND}--\r\n`, 'lone'],
    ['a NUL behind the last part', `--${BOUND}\r\n\r\nx\r\n--${BOUND}--\r\n\0`, 'nul'],
    ['a lone CR in the header of a part', `--${BOUND}\r\nA: b\rc\r\n\r\nx\r\n--${BOUND}--\r\n`, 'lone'],
    ['a NUL in the line of a boundary', `--${BOUND}\0\r\n\r\nx\r\n--${BOUND}--\r\n`, 'nul'],
    ['a line of a boundary without end', `--${BOUND}${' '.repeat(1000)}\r\n\r\nx\r\n--${BOUND}--\r\n`, 'long'],
    ['a lone LF in what is encoded already', `--${BOUND}\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\n\r\n--${BOUND}--\r\n`, 'lone'],
    ['message/partial of octets', `--${BOUND}\r\nContent-Type: message/partial\r\n\r\na\0\r\n--${BOUND}--\r\n`, 'hopeless'],
    ['a report of octets', `--${BOUND}\r\nContent-Type: message/delivery-status\r\n\r\na\0\r\n--${BOUND}--\r\n`, 'hopeless'],
  ])('%s', (_what, body, fault) => {
    const whole = message(Buffer.from(`Content-Type: multipart/mixed; boundary="${BOUND}"\r\n\r\n${body}`));
    for (const cut of [1, 7, 4096]) expect(convert(whole, cut)).toBe(fault);
  });
});
