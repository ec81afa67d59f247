import fs from 'node:fs';
import path from 'node:path';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { Address } from './address.js';
import { ChunkScan } from './chunk-scan.js';
import { DataScan } from './data-scan.js';
import { formatNotice } from './dsn.js';
import { Headers } from './headers.js';
import { hasLongLine } from './line-length.js';
import { beginsWithField, countReceived, repairLineEnds } from './message-scan.js';
import { stuffDots } from './stuff.js';

const FOLDER = path.resolve(import.meta.dirname, '../../test/fixtures/mail');
const names = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.eml'));
const read = (name: string): Buffer => fs.readFileSync(path.join(FOLDER, name));
const concat = (parts: readonly Buffer[]): Buffer => Buffer.concat(parts);

function receive(bytes: Buffer, pieces: number): DataScan {
  const wire = concat([...stuffDots([bytes]), Buffer.from('.\r\n')]);
  const scan = new DataScan();
  for (let at = 0; at < wire.length; at += pieces) scan.push(wire.subarray(at, at + pieces));
  return scan;
}

/** What a receiver does that repairs: other bytes, read anew. */
function repair(parts: readonly Buffer[]): ChunkScan {
  const again = new ChunkScan();
  again.push(repairLineEnds(Buffer.concat(parts)));
  again.finish();
  return again;
}

/** Lone line ends are refused or repaired before anybody reads the headers. */
const regular = names.filter((name) => name !== 'bare-line-ends.eml');

describe('fixtures', () => {
  it('are many, and keep their CRLF', () => {
    expect(names.length).toBeGreaterThanOrEqual(15);
    for (const name of regular) expect(read(name).toString('latin1'), name).not.toMatch(/(?<!\r)\n/);
  });

  it.each(names)('%s passes DATA and BDAT octet for octet', (name) => {
    const bytes = read(name);
    for (const pieces of [1, 7, 1460, 1 << 20]) {
      const scan = receive(bytes, pieces);
      expect(scan.ended).toBe(true);
      expect(concat([...scan.header, ...scan.body])).toEqual(bytes);
      const chunks = new ChunkScan();
      for (let at = 0; at < bytes.length; at += pieces) chunks.push(bytes.subarray(at, at + pieces));
      chunks.finish();
      expect(concat([...chunks.header, ...chunks.body])).toEqual(bytes);
      expect({ ...chunks.bodyFacts, dots: chunks.dots }).toEqual({ ...scan.bodyFacts, dots: scan.dots });
    }
  });

  it.each(regular.filter((name) => !['no-headers.eml', 'mbox-from.eml'].includes(name)))(
    '%s: an independent parser finds the same fields',
    async (name) => {
      const headers = new Headers(concat(receive(read(name), 1 << 20).header));
      const parsed = await simpleParser(read(name));
      expect(headers.fields().map((field) => field.name)).toEqual(parsed.headerLines.map(({ key }) => key));
      for (const { key } of parsed.headerLines) {
        const lines = parsed.headerLines.filter((line) => line.key === key).map(({ line }) => line);
        // The parser hands octets out as latin1.
        const values = headers.all(key).map((value) => Buffer.from(value, 'utf8').toString('latin1'));
        if (name === 'latin1.eml' || lines.every((line) => line.length < 900)) {
          expect(values).toEqual(
            lines.map((line) =>
              line
                .slice(line.indexOf(':') + 1)
                .replace(/\r?\n/g, '')
                .trim(),
            ),
          );
        }
      }
      expect(headers.bytes().length).toBe(concat(receive(read(name), 1 << 20).header).length);
    },
  );

  it.each<[string, object]>([
    ['plain.eml', { dots: false, eightBit: false, hasNul: false, headerEnded: true }],
    ['dots.eml', { dots: true, headerEnded: true }],
    ['looks-like-end.eml', { dots: true, eightBit: false }],
    ['empty-body.eml', { headerEnded: true, bodyFacts: expect.objectContaining({ bytes: 0 }) }],
    ['no-body.eml', { headerEnded: false, body: [] }],
    ['no-headers.eml', { headerEnded: false }],
    ['latin1.eml', { eightBit: true, headerFacts: expect.objectContaining({ eightBit: false }) }],
    ['utf8-headers.eml', { eightBit: true, headerFacts: expect.objectContaining({ eightBit: true }) }],
    ['nul.eml', { hasNul: true }],
    [
      'long-lines.eml',
      { bodyFacts: expect.objectContaining({ longestLine: 20_000 }), headerFacts: expect.objectContaining({ longestLine: 2008 }) },
    ],
    [
      'bare-line-ends.eml',
      { bodyFacts: expect.objectContaining({ bareLf: 3, bareCr: 2 }), headerFacts: expect.objectContaining({ bareLf: 1 }) },
    ],
  ])('%s shows its peculiarity', (name, facts) => expect(receive(read(name), 1460)).toMatchObject(facts));

  it('counts the hops of a folded trace, and knows what begins with a field', () => {
    expect(countReceived(read('folded.eml'))).toBe(2);
    expect(names.filter((name) => !beginsWithField(read(name)))).toEqual(['mbox-from.eml', 'no-headers.eml']);
  });

  it('repairs all kinds of line ends', () => {
    const scan = receive(read('bare-line-ends.eml'), 1460);
    const text = concat(repair([...scan.header, ...scan.body]).body).toString();
    expect(text).toBe('one\r\ntwo\r\nthree\r\n\r\n.\r\nfour\r\nfive\r\n');
  });

  it.each(names)('a notice about %s keeps the limits of lines and is read by an independent parser', async (name) => {
    const scan = receive(read(name), 1 << 20);
    for (const body of [undefined, scan.body]) {
      const notice = formatNotice({
        from: 'Mail Delivery <mailer-daemon@mx.test>',
        to: new Address('alice', 'sender.test'),
        subject: 'Undelivered: Größe',
        text: 'It could not be delivered.',
        date: 'Mon, 23 Nov 2026 00:10:00 +0000',
        messageId: '<n@mx.test>',
        boundary: 'b-1',
        reportingHost: 'mx.test',
        envelopeId: undefined,
        arrivalDate: 'Mon, 23 Nov 2026 00:00:00 +0000',
        recipient: {
          address: new Address('bob', 'other.test'),
          original: undefined,
          action: 'failed',
          reply: '550 5.1.1 no',
          remoteHost: undefined,
          lastAttempt: 'Mon, 23 Nov 2026 00:09:00 +0000',
        },
        original: { headers: concat(scan.header), body },
      });
      expect(hasLongLine([notice.headers, notice.body])).toBe(false);
      const parsed = await simpleParser(concat([notice.headers, notice.body]), { keepDeliveryStatus: true });
      expect(parsed.subject).toBe('Undelivered: Größe');
      const [report, original] = parsed.attachments;
      expect(report?.contentType).toBe('message/delivery-status');
      expect(report?.content.toString()).toContain('Status: 5.1.1\r\n');
      expect(original?.contentType).toMatch(/^(message\/(rfc822|global|global-headers)|text\/rfc822-headers)$/);
    }
  });
});
