/** Long lines on their way in, with rfc2822_max_line_length(_policy) = fix. */
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { hasLongLine } from '../mail/line-length.js';
import { bodyOf } from '../module/copy.js';
import type { Body } from '../module/message.js';
import { makeRules } from '../server/rules.js';
import { openReception, SUBJECT } from './fixture.js';
import { mendLines, needsMending } from './mend.js';

const FIX = 'relay_hosts = ( 192.0.2.0/24 )\nrfc2822_max_line_length_policy = fix';
const open = (config = FIX) => openReception(makeRules, { config });
const LONG = `${'a long line '.repeat(120)}\r\n`;

describe('bad-inputs 25: rfc2822_max_line_length = fix', () => {
  it.each([FIX, FIX.replace('_policy', '')])('%s: folds and encodes before anybody looks', async (config) => {
    const { client, queued } = await open(config);
    const c = client();
    await c.mail('a@b.test');
    await c.rcpt('one@c.test');
    expect(await c.data(SUBJECT.replace('Subject: s', `Subject: ${'s '.repeat(600)}`), LONG)).toMatch(/^250/);
    const [copy] = queued;
    const bytes = Buffer.concat([copy?.headers.bytes() ?? Buffer.alloc(0), ...(copy?.content.resident ?? [])]);
    expect(hasLongLine([bytes])).toBe(false);
    const { text, subject } = await simpleParser(bytes);
    expect([text, subject]).toEqual([LONG.replace('\r\n', '\n'), 's '.repeat(600).trim()]);
  });

  it('does not touch what is short enough', async () => {
    const { client, queued } = await open();
    expect(await client().send('one@c.test')).toMatch(/^250/);
    expect(queued[0]?.headers.has('content-transfer-encoding')).toBe(false);
  });

  it('refuses what may not be changed', async () => {
    const { client, queued, rejections } = await open();
    const c = client({ phase: 10 });
    await c.mail('a@b.test');
    await c.rcpt('one@c.test');
    const header = SUBJECT.replace('Subject: s', 'Content-Type: multipart/signed; boundary=b');
    expect(await c.data(header, `--b\r\n\r\n${LONG}--b--\r\n`)).toBe('550 5.6.0 Line too long in a part that may not be changed');
    expect(queued).toEqual([]);
    expect(rejections).toHaveLength(1);
  });

  it('makes a new file of a body in a file, knows its dots and octets, and lets the old one go', async () => {
    const { client, queued, spool } = await open();
    await client().send('one@c.test');
    const headers = queued[0]?.headers;
    if (!headers) throw new Error('nothing was queued');
    const bytes = Buffer.from(`${`${'é'.repeat(80)} ${'x'.repeat(900)}\r\n`.repeat(500)}.dot\r\n`);
    const file: Body = {
      size: bytes.length,
      dots: false,
      eightBit: true,
      resident: undefined,
      file: 'old.body',
      async *read() {
        for (let at = 0; at < bytes.length; at += 4096) yield bytes.subarray(at, at + 4096);
      },
    };
    const forgotten: Body[] = [];
    const facts = {
      receivedFields: 0,
      longestHeaderLine: 10,
      longestBodyLine: 1062,
      eightBitHeader: false,
      repaired: false,
      headerMissing: false,
    };
    expect(needsMending(facts, 998)).toBe(true);
    const mended = await mendLines({ headers, content: file }, facts, 998, {
      openLarge: () => spool.openLarge(),
      forget: (body) => void forgotten.push(body),
    });
    expect(forgotten).toEqual([file]);
    expect(mended?.content).toMatchObject({ dots: true, eightBit: false });
    const whole = Buffer.concat([mended?.headers.bytes() ?? bodyOf([]).resident?.[0] ?? bytes, ...(mended?.content.resident ?? [])]);
    expect(hasLongLine([whole])).toBe(false);
    expect((await simpleParser(whole)).text).toBe(bytes.toString('utf8').replaceAll('\r\n', '\n'));
  });
});
