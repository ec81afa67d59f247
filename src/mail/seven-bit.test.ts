import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { stripEighthBit, toSevenBit } from './seven-bit.js';

const rewrite = (head: string, body: string | Buffer): string => {
  const { headers, body: rest } = toSevenBit({ headers: Buffer.from(head), body: Buffer.from(body) });
  return headers.toString('latin1') + rest.toString('latin1');
};
/** What a reader sees. */
const seen = async (message: Buffer | string) => {
  const { text, html, subject, attachments } = await simpleParser(message);
  return {
    subject,
    text,
    html,
    attachments: attachments.map(({ filename, contentType, content }) => ({ filename, contentType, content: content.toString('base64') })),
  };
};
const isClean = (text: string): boolean => !/[\x80-\xff]/.test(text) && text.split('\r\n').every((line) => line.length <= 998);

const PART = (type: string, encoding: string, body: string): string =>
  `Content-Type: ${type}\r\n${encoding === '' ? '' : `Content-Transfer-Encoding: ${encoding}\r\n`}\r\n${body}`;
const HEAD = 'From: a@b.test\r\nSubject: hello\r\nMIME-Version: 1.0\r\n';
const multipart = (parts: readonly string[], kind = 'mixed', boundary = 'b=_1'): string =>
  `Content-Type: multipart/${kind};\r\n\tboundary="${boundary}"\r\nContent-Transfer-Encoding: 8bit\r\n\r\npreämble\r\n${parts
    .map((part) => `--${boundary}\r\n${part}\r\n`)
    .join('')}--${boundary}--\r\nepilög\r\n`;
const split = (text: string): [string, string] => {
  const at = text.indexOf('\r\n\r\n') + 4;
  return [text.slice(0, at), text.slice(at)];
};

describe('toSevenBit', () => {
  it('leaves a 7-bit message as it is', () => {
    expect(rewrite(`${HEAD}\r\n`, 'plain = text \r\n')).toBe(`${HEAD}\r\nplain = text \r\n`);
  });

  it('gives a message without MIME fields those it needs', async () => {
    const out = rewrite('From: a@b.test\r\nSubject: x\r\n\r\n', 'Grüße = \t\r\n.\r\n');
    expect(out).toContain(
      'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n',
    );
    expect((await seen(out)).text).toBe('Grüße = \t\n.\n');
    expect(rewrite('', Buffer.from([0xe4, 13, 10]))).toContain('charset=unknown-8bit');
  });

  it.each([
    ['text', PART('text/plain; charset=utf-8', '8bit', `${'ä'.repeat(300)}\r\nend \r\n`)],
    ['latin1 by its charset', PART('text/plain; charset=utf-8', '', 'é = è\r\n')],
    [
      'alternatives',
      multipart(
        [PART('text/plain; charset=utf-8', '8bit', 'Zürich'), PART('text/html; charset=utf-8', '8bit', '<p>Zürich</p>')],
        'alternative',
      ),
    ],
    [
      'an attachment, binary',
      multipart([
        PART('text/plain; charset=utf-8', '7bit', 'see below'),
        PART('application/octet-stream; name="x.bin"', 'binary', 'äöü\0\r\n\r\nÿ'),
        PART('image/png; name="y.png"', 'base64', 'AAEC'),
      ]),
    ],
    [
      'parts within parts',
      multipart([
        multipart([PART('text/plain; charset=utf-8', '8bit', 'innen ß')], 'mixed', 'inner'),
        PART('text/plain; charset=utf-8', '', 'außen'),
      ]),
    ],
  ])('keeps what is read: %s', async (_, content) => {
    const [head, body] = split(HEAD + content);
    const out = rewrite(head, body);
    expect(isClean(out), out).toBe(true);
    expect(await seen(out)).toEqual(await seen(Buffer.from(head + body)));
  });

  it('goes into messages that are carried', async () => {
    const inner = `Subject: inside\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nfür\r\n`;
    const [head, body] = split(HEAD + multipart([PART('message/rfc822', '8bit', inner)]));
    const out = rewrite(head, body);
    expect(isClean(out), out).toBe(true);
    const [found] = (await simpleParser(out)).attachments;
    expect((await seen(found?.content ?? '')).text).toBe('für\n');
  });

  it('touches nothing that is encoded already, whatever it holds', () => {
    const [head, body] = split(`${HEAD}${PART('text/plain', 'quoted-printable', 'ä=C3')}`);
    expect(rewrite(head, body)).toBe(Buffer.from(head + body).toString('latin1'));
  });

  it('keeps any text, octet by octet', async () => {
    const head = `${HEAD}Content-Type: text/plain; charset=utf-8\r\n\r\n`;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ unit: 'grapheme' }).map((line) => line.replace(/[\p{Cc}\p{Cn}\u2028\u2029]/gu, '')),
          { maxLength: 8 },
        ),
        async (lines) => {
          const body = `ä${lines.join('\r\n')}\r\n`;
          const out = rewrite(head, body);
          expect(isClean(out)).toBe(true);
          expect((await simpleParser(out)).text).toBe((await simpleParser(head + body)).text);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('keeps any octets of an attachment, and ends on any input', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (octets) => {
        const body = Buffer.concat([Buffer.from('é'), octets]);
        const out = rewrite(`${HEAD}Content-Type: application/octet-stream; name=x\r\n\r\n`, body);
        expect((await simpleParser(out)).attachments[0]?.content.equals(body)).toBe(true);
        rewrite(octets.toString(), body);
        rewrite(
          `Content-Type: multipart/mixed; boundary=a\r\n\r\n`,
          Buffer.concat([Buffer.from('--a\r\n'), octets, Buffer.from('\r\n--a')]),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('takes a time that grows with the length, not with its square', () => {
    const deep = `${HEAD}Content-Type: multipart/mixed; boundary=a\r\n\r\n`;
    const began = performance.now();
    rewrite(deep, Buffer.from('--a\r\n\r\nä\r\n'.repeat(50_000)));
    rewrite(`${HEAD}\r\n`, Buffer.from('ä'.repeat(1_000_000)));
    rewrite(`${HEAD}${'X: y\r\n\tz\r\n'.repeat(20_000)}\r\n`, Buffer.from('ä'));
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('stripEighthBit', () => {
  it('clears it', () => expect(stripEighthBit(Buffer.from([0xe4, 0x41])).toString('latin1')).toBe('dA'));
});
