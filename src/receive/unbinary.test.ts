/** BODY=BINARYMIME on its way in: what is spooled is lines, whether the body is in memory or in a file. */
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { Headers } from '../mail/headers.js';
import { bodyOf } from '../module/copy.js';
import type { Body } from '../module/message.js';
import type { LargeBody } from '../module/spool.js';
import { makeRules } from '../server/rules.js';
import { openReception, SUBJECT } from './fixture.js';
import { unbinary } from './unbinary.js';

const RELAY = 'relay_hosts = ( 192.0.2.0/24 )';
const PART = SUBJECT.replace('Subject: s', 'Content-Type: a/b\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: binary');
const SIGNED = SUBJECT.replace('Subject: s', 'Content-Type: multipart/signed; boundary=b');

async function bring(header: string, body: string, listener?: string) {
  const desk = await openReception(makeRules, { config: RELAY, ...(listener && { listener }) });
  const c = desk.client({ phase: 10 });
  await c.mail('a@b.test', { binaryMime: true });
  await c.rcpt('one@c.test');
  return { said: await c.data(header, body), ...desk };
}

describe('a message of octets', () => {
  it('is spooled as lines, with its size as they are', async () => {
    const { said, queued } = await bring(PART, 'a\0b\r.\nc');
    expect(said).toMatch(/^250/);
    const [copy] = queued;
    expect(copy?.headers.get('content-transfer-encoding')).toBe('base64');
    expect(copy?.headers.get('mime-version')).toBe('1.0');
    expect(copy?.content).toMatchObject({ size: 14, dots: false, eightBit: false });
    expect(String(copy?.content.resident?.[0])).toBe(`${Buffer.from('a\0b\r.\nc').toString('base64')}\r\n`);
  });

  it.each([
    ['octets in a signed part', SIGNED, '--b\r\n\r\na\nb\r\n--b--\r\n', '554 5.6.3 conversion of binary content required'],
    ['octets where structure is', SIGNED.replace('signed', 'mixed'), 'a\nb\r\n--b--\r\n', '550 5.6.0 Lone CR or LF in body'],
    ['a NUL there', SIGNED.replace('signed', 'mixed'), 'a\0\r\n--b--\r\n', '550 5.6.0 NUL in message'],
    [
      'an endless line there',
      SIGNED.replace('signed', 'mixed'),
      `--b${' '.repeat(999)}\r\n\r\n\r\n--b--\r\n`,
      '550 5.6.0 Body line too long',
    ],
  ])('is refused with %s', async (_what, header, body, reply) => {
    const { said, queued, rejections } = await bring(header, body);
    expect(String(said).slice(0, reply.length)).toBe(reply);
    expect([queued.length, rejections.length]).toEqual([0, 1]);
  });

  it('is measured again when it has grown', async () => {
    const limit = 'max_message_size = 1000';
    expect((await bring(PART, '\0'.repeat(400), limit)).said).toMatch(/^250/);
    expect((await bring(PART, '\0'.repeat(700), limit)).said).toBe('552 5.3.4 message size limit exceeded');
  });

  it('in a file becomes another file, and the old one goes', async () => {
    const { client, spool } = await openReception(makeRules, { config: RELAY });
    const { options } = client().session;
    const kept: object[] = [];
    const octets = Buffer.alloc(300_000, Buffer.from('\0\r\n.\r\n\n.\n\xff--', 'latin1'));
    const forgotten: Body[] = [];
    const openLarge = async (): Promise<LargeBody> => {
      const large = await spool.openLarge();
      const { finish } = large;
      // As the spool does it: only what stands in the object itself is kept.
      large.finish = (facts) => {
        kept.push({ ...facts });
        return finish(facts);
      };
      return large;
    };
    const store = { openLarge, forget: (body: Body) => void forgotten.push(body) };
    const fileOf = (bytes: Buffer): Body => ({
      ...{ size: bytes.length, dots: false, eightBit: true, resident: undefined, file: 'old.body' },
      async *read() {
        for (let at = 0; at < bytes.length; at += 4099) yield bytes.subarray(at, at + 4099);
      },
    });
    const lines = await unbinary({ headers: new Headers(Buffer.from(PART)), content: fileOf(octets) }, options, store);
    if ('code' in lines) throw new Error(lines.text);
    expect(forgotten).toHaveLength(1);
    expect(lines.content).toMatchObject({ dots: false, eightBit: false });
    const whole = Buffer.concat([lines.headers.bytes(), ...(lines.content.resident ?? [])]);
    expect((await simpleParser(whole)).attachments[0]?.content.equals(octets)).toBe(true);

    const MIXED = SUBJECT.replace('Subject: s', 'Content-Type: multipart/mixed; boundary=b');
    const text = Buffer.from('--b\r\nContent-Transfer-Encoding: binary\r\n\r\né\r\n.\r\n--b--');
    const mixed = await unbinary({ headers: new Headers(Buffer.from(MIXED)), content: fileOf(text) }, options, store);
    expect('content' in mixed && String(mixed.content.resident?.[0])).toMatch(/8bit\r\n\r\né\r\n\.\r\n--b--\r\n$/);
    expect(kept).toEqual([
      { dots: false, eightBit: false },
      { dots: true, eightBit: true },
    ]);

    const tooLarge = { ...options, max_message_size: 350_000 };
    expect(await unbinary({ headers: new Headers(Buffer.from(PART)), content: fileOf(octets) }, tooLarge, store)).toMatchObject({
      code: 552,
    });
    expect(forgotten).toHaveLength(2);
    const empty = await unbinary({ headers: new Headers(Buffer.from(PART)), content: bodyOf([]) }, options, store);
    expect('content' in empty && empty.content.size).toBe(0);
  });
});
