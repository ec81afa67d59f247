/** What mail programs read out of a mended message is what was sent: proven with a parser that is not ours. */
import fc from 'fast-check';
import { type ParsedMail, simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { Headers } from './headers.js';
import { foldLongLines, hasLongLine, LONGEST_LINE } from './line-length.js';
import { declareEncoding, LineMender, surveyLines } from './mend-lines.js';

interface Mended {
  readonly message: Buffer;
  readonly body: Buffer;
  readonly isHopeless: boolean;
}

/** A message through the mender, its body in chunks of the given size. */
function mend(header: string, body: Buffer | string, chunkBytes = 65_536, limit = LONGEST_LINE): Mended {
  const headers = new Headers(foldLongLines(Buffer.from(header, 'utf8'), limit));
  const bytes = Buffer.from(body);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  const walk = surveyLines(headers, limit);
  for (const chunk of chunks) if (!walk.push(chunk)) break;
  const survey = walk.finish();
  declareEncoding(headers, survey);
  const mender = new LineMender(survey.edits, bytes.length, limit);
  const mended = Buffer.concat(chunks.flatMap((chunk) => mender.push(chunk)));
  return { message: Buffer.concat([headers.bytes(), mended]), body: mended, isHopeless: survey.isHopeless };
}

const plain = 'From: a@b.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n';
const readOut = (mail: ParsedMail) => ({
  text: mail.text,
  html: mail.html,
  subject: mail.subject,
  attachments: mail.attachments.map(({ content, filename, contentType }) => ({ filename, contentType, content: content.toString('hex') })),
});
const read = async (bytes: Buffer) => readOut(await simpleParser(bytes, { skipTextToHtml: true, skipHtmlToText: true }));

describe('a long line', () => {
  it('in plain text becomes quoted-printable, line for line the same', async () => {
    const body = `short\r\n${'some plain words =3D and an ü '.repeat(100)}\r\n-- \r\n.dot \t\r\n`;
    const { message } = mend(`${plain}Content-Type: text/plain; charset=utf-8\r\n\r\n`, body);
    expect(message.toString('latin1')).toContain('Content-Transfer-Encoding: quoted-printable\r\n');
    expect(hasLongLine([message])).toBe(false);
    expect((await read(message)).text).toBe(body.replaceAll('\r\n', '\n'));
  });

  it('in text full of other letters becomes base64', async () => {
    const body = `${'漢字'.repeat(500)}\r\n`;
    const { message } = mend(`${plain}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n`, body);
    expect(message.toString('latin1')).toContain('Content-Transfer-Encoding: base64\r\n');
    expect((await read(message)).text).toBe(body.replaceAll('\r\n', '\n'));
  });

  it('declares MIME where the message did not know it', () => {
    const { message } = mend('From: a@b.test\r\n\r\n', `${'x'.repeat(2000)}\r\n`);
    expect(message.toString()).toMatch(/^From: a@b\.test\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1\.0\r\n\r\n/);
  });

  it('of base64 or quoted-printable is only broken', async () => {
    const secret = Buffer.alloc(3000, 'héllo');
    const base64 = `${plain}Content-Type: application/x-thing; name=t\r\nContent-Disposition: attachment; filename=t\r\nContent-Transfer-Encoding: Base64\r\n\r\n`;
    const first = mend(base64, `${secret.toString('base64')}\r\n`);
    expect(first.message.toString()).not.toContain('quoted');
    expect((await read(first.message)).attachments[0]?.content).toBe(secret.toString('hex'));
    const printable = `${plain}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n`;
    const second = mend(printable, `${'x=C3=BC-y'.repeat(500)}=\r\nz\r\n`);
    expect(hasLongLine([second.message])).toBe(false);
    expect((await read(second.message)).text).toBe(`${'xü-y'.repeat(500)}z\n`);
  });

  it('in one part leaves the others and the boundaries as they are', async () => {
    const parts = [
      '--b\r\nContent-Type: text/plain\r\n\r\nfirst\r\n',
      `--b\r\nContent-Type: multipart/alternative; boundary="b-2"\r\n\r\n--b-2\r\n\r\n${'--b '.repeat(400)}\r\n`.replace(
        '\r\n--b --b',
        '\r\n --b --b',
      ),
      `--b-2\r\nContent-Type: text/html; charset=utf-8\r\nX-Long: ${'word '.repeat(300)}\r\n\r\n<p>${'é'.repeat(1200)}</p>\r\n--b-2--\r\n`,
      '--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=p.png\r\n\r\nPNG\r\n--b--\r\nend\r\n',
    ];
    const header = `${plain}Content-Type: multipart/mixed;\r\n boundary=b\r\n\r\n`;
    const before = `${header}preamble\r\n${parts.join('')}`;
    const { message, body } = mend(header, before.slice(header.length), 100);
    expect(hasLongLine([message])).toBe(false);
    expect(await read(message)).toEqual(await read(Buffer.from(before)));
    expect(body.toString()).toContain(parts[0]);
    expect(body.toString()).toContain(parts[3]);
    expect(message.toString().startsWith(header)).toBe(true);
  });

  it('inside a message in a message is found, and the message itself never encoded', async () => {
    const inner = `Subject: ${'deep '.repeat(300)}\r\nContent-Type: text/plain\r\n\r\n${'y'.repeat(1500)}\r\n`;
    const { message } = mend(`${plain}Content-Type: message/rfc822\r\n\r\n`, inner);
    expect(hasLongLine([message])).toBe(false);
    expect(message.toString()).toMatch(/^From: [\s\S]*\r\n\r\nSubject: deep [\s\S]*Content-Transfer-Encoding: quoted-printable\r\n\r\ny/);
    expect(message.toString().split('\r\n\r\n')[0]).not.toContain('quoted');
  });

  it('before and behind the parts is folded, and makes no boundary', () => {
    const header = `${plain}Content-Type: multipart/mixed; boundary=b\r\n\r\n`;
    const { body } = mend(header, `${'x'.repeat(998)}--b\r\n--b\r\n\r\nt\r\n--b--\r\n${'y'.repeat(998)}--b\r\n`);
    expect(hasLongLine([body])).toBe(false);
    expect(body.toString().match(/^--b(--)?\r$/gm)).toEqual(['--b\r', '--b--\r']);
  });

  it('in what is signed or encoded in an unknown way is left alone, and said so', () => {
    const long = `${'x'.repeat(1200)}\r\n`;
    const signed = mend(`${plain}Content-Type: multipart/signed; boundary=b\r\n\r\n`, `--b\r\n\r\n${long}--b\r\n\r\ns\r\n--b--\r\n`);
    const uuencoded = mend(`${plain}Content-Transfer-Encoding: x-uuencode\r\n\r\n`, long);
    const partial = mend(`${plain}Content-Type: message/partial\r\n\r\n`, long);
    expect([signed, uuencoded, partial].map(({ isHopeless }) => isHopeless)).toEqual([true, true, true]);
    expect(uuencoded.body.toString()).toBe(long);
  });

  it('is judged by the limit that is given', () => {
    const { message } = mend(`${plain}\r\n`, `${'x'.repeat(200)}\r\n`, 65_536, 100);
    expect(hasLongLine([message], 100)).toBe(false);
  });
});

const piece = fc.constantFrom(
  'word ',
  'ü',
  '漢',
  '=',
  '=3D',
  '\t',
  ' ',
  '-',
  '--b',
  '.',
  'x'.repeat(990),
  'long '.repeat(220),
  '\r\n',
  '\r\n',
  '<p>',
);
const text = fc.array(piece, { minLength: 1, maxLength: 25 }).map((pieces) => `T${pieces.join('')}`);
const binary = fc.uint8Array({ minLength: 1, maxLength: 4000 }).map((bytes) => Buffer.from(bytes));

interface Part {
  readonly head: string;
  readonly body: string;
}

const textPart = fc.tuple(fc.constantFrom('plain', 'html'), text, fc.boolean()).map(
  ([subtype, body, isAttached]): Part => ({
    head: `Content-Type: text/${subtype}; charset=utf-8\r\n${isAttached ? 'Content-Disposition: attachment; filename=a.txt\r\n' : ''}`,
    body: body.replace(/\r\n--/g, '\r\n =='),
  }),
);
const binaryPart = binary.map(
  (bytes): Part => ({
    head: 'Content-Type: application/pdf; name=b.pdf\r\nContent-Disposition: attachment; filename=b.pdf\r\nContent-Transfer-Encoding: base64\r\n',
    body: bytes.toString('base64'),
  }),
);
const multipart = (inner: fc.Arbitrary<Part>, boundary: string): fc.Arbitrary<Part> =>
  fc.array(inner, { minLength: 1, maxLength: 4 }).map((parts) => ({
    head: `Content-Type: multipart/mixed; boundary="${boundary}"\r\n`,
    body: `${parts.map(({ head, body }) => `--${boundary}\r\n${head}\r\n${body}\r\n`).join('')}--${boundary}--\r\n`,
  }));
const leaf = fc.oneof(textPart, binaryPart);
const anyMessage = fc.oneof(textPart, multipart(leaf, 'out-1'), multipart(fc.oneof(leaf, multipart(leaf, 'out-1.in')), 'out-1'));

describe('generated messages', () => {
  it('say the same before and after, whatever the chunks', async () => {
    let mended = 0;
    await fc.assert(
      fc.asyncProperty(anyMessage, fc.integer({ min: 1, max: 3000 }), async ({ head, body }, chunkBytes) => {
        const header = `${plain}${head}\r\n`;
        const whole = `${body}\r\n`;
        const after = mend(header, whole, chunkBytes);
        expect(after.isHopeless).toBe(false);
        expect(hasLongLine([after.message])).toBe(false);
        if (hasLongLine([Buffer.from(whole)])) mended++;
        else expect(after.body.toString()).toBe(whole);
        expect(await read(after.message)).toEqual(await read(Buffer.from(`${header}${whole}`)));
      }),
      { numRuns: 300 },
    );
    expect(mended).toBeGreaterThan(60);
  }, 60_000);
});
