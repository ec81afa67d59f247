/** What looks odd in a message is noted in bounded time, and nothing of it is changed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../kernel/clock.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { readContentType } from '../mail/content-type.js';
import { bodyOf } from '../module/copy.js';
import type { Body } from '../module/message.js';
import { makeRules } from '../server/rules.js';
import { openReception, SUBJECT } from './fixture.js';
import { findContentType, lookAtMime } from './mime-look.js';

/** Its time stands still where nothing else is said: what it finds must not depend on how busy the machine is. */
const look = (type: string, body: string | Buffer, clock: Clock = new VirtualClock()): string => {
  const found = lookAtMime(type, bodyOf([Buffer.from(body)]), true, clock);
  if (found instanceof Promise) throw new Error('a body in memory needs no promise');
  return found;
};
const MIXED = 'multipart/mixed; boundary=b';

/** Parts in parts, as deep as told. */
function nest(depth: number): string {
  let body = '--b0\r\n\r\nleaf\r\n--b0--\r\n';
  for (let i = 1; i < depth; i++) body = `--b${i}\r\nContent-Type: multipart/mixed; boundary=b${i - 1}\r\n\r\n${body}--b${i}--\r\n`;
  return body;
}

describe('bad-inputs 30: a structure beyond all reason', () => {
  it.each([
    ['nothing odd', MIXED, '--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\n', ''],
    ['depth 100', 'multipart/mixed; boundary=b99', nest(100), ''],
    ['depth 101', 'multipart/mixed; boundary=b100', nest(101), 'depth'],
    ['messages in messages', 'message/rfc822', 'Content-Type: message/rfc822\r\n\r\n'.repeat(120), 'depth'],
    ['1,000 parts', MIXED, `${'--b\r\n\r\n'.repeat(1000)}--b--\r\n`, ''],
    ['1,001 parts', MIXED, `${'--b\r\n\r\n'.repeat(1001)}--b--\r\n`, 'parts'],
    ['a boundary of 2,048 octets', `multipart/mixed; boundary=${'b'.repeat(2048)}`, `--${'b'.repeat(2048)}--\r\n`, ''],
    ['a longer boundary', `multipart/mixed; boundary=${'b'.repeat(2049)}`, 'x\r\n', 'boundary'],
    ['no boundary', 'multipart/mixed', 'x\r\n', 'boundary'],
    ['a quote that does not end', 'multipart/mixed; boundary="b', '--b\r\n--b--\r\n', 'quotes'],
    ['a comment that does not end', 'text/plain (comment', 'x\r\n', 'quotes'],
    ['a quote in a part', MIXED, '--b\r\nContent-Type: text/plain; name="x\r\n\r\n--b--\r\n', 'quotes'],
    ['a last boundary that is missing', MIXED, '--b\r\n\r\none\r\n', 'unterminated'],
    ['an inner one', MIXED, '--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b--\r\n', 'unterminated'],
    ['a part with endless headers', MIXED, `--b\r\n${'A: b\r\n'.repeat(20_000)}\r\n--b--\r\n`, 'header'],
  ])('%s', (_what, type, body, expected) => expect(look(type, body)).toBe(expected));

  it('is a fact of the message, whose octets stay as they are', async () => {
    const { client, queued } = await openReception(makeRules);
    const c = client();
    const body = '--x\r\nContent-Type: text/plain; name="open\r\n\r\nhello';
    await c.mail('a@b.test');
    await c.rcpt('one@c.test');
    expect(await c.data(SUBJECT.replace('Subject: s', 'Content-Type: multipart/mixed;\r\n\tboundary="x"'), body)).toMatch(/^250/);
    expect(queued[0]?.facts.get('mime_anomaly')).toBe('quotes,unterminated');
    expect(Buffer.concat(queued[0]?.content.resident ?? []).toString()).toBe(body);
    expect(await c.send('one@c.test')).toMatch(/^250/);
    expect(queued[1]?.facts.size).toBe(0);
  });

  it('is looked for in files when the option says so, and no further than needed', async () => {
    let reads = 0;
    const file: Body = {
      ...bodyOf([]),
      resident: undefined,
      file: 'x.body',
      size: 1,
      dots: false,
      eightBit: false,
      async *read() {
        for (;;) {
          reads++;
          yield Buffer.from('--b\r\n\r\n'.repeat(300));
        }
      },
    };
    expect(await lookAtMime(MIXED, file, true, systemClock)).toBe('parts');
    expect(reads).toBe(4);
    expect(lookAtMime(MIXED, file, false, systemClock)).toBe('');
    expect(lookAtMime('text/plain; charset="x"', file, true, systemClock)).toBe('');
  });
});

describe('bad-inputs 31: bait for slow parsers', () => {
  /** Milliseconds of processor time, the best of some tries: the machine may be busy with other tests. */
  const took = (act: () => void): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 7 && best > 40; n++) {
      const before = process.cpuUsage();
      act();
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, (user + system) / 1000);
    }
    return best;
  };

  it.each([
    ['quotes', '"\\'],
    ['comments', '('],
    ['parameters', 'a=b;'],
    ['boundaries', 'boundary*1=x;'],
    ['blanks', ' \r\n\t'],
    ['words', 'x/'],
  ])('256 KiB of %s in a Content-Type cost less than 50 ms', (_what, piece) => {
    const value = `multipart/mixed; ${piece.repeat(262_144 / piece.length)}`;
    expect(took(() => void look(value, '--b\r\n', systemClock))).toBeLessThan(50);
    const block = Buffer.from(`Content-Type: ${value}\r\n\r\n`);
    expect(took(() => void findContentType(block, `\n${block.toString('latin1').toLowerCase()}`))).toBeLessThan(50);
  });

  it.each([
    ['short lines', '\r\n'],
    ['hyphens', '--\r\n'],
    ['almost boundaries', '--bbbbbbbb\r\n'],
    ['one line', 'x'],
    ['half line ends', '\n--'],
  ])('10 MB of %s stop at 50 ms or before', (_what, piece) => {
    const body = Buffer.from(piece.repeat(10_000_000 / piece.length));
    const deep = `multipart/mixed; boundary=${'b'.repeat(60)}`;
    expect(took(() => void look(deep, body, systemClock))).toBeLessThan(100);
  });

  it('gives up with a mark when the time is over', () => {
    let now = 0;
    const slow = { ...systemClock, now: () => 0, mono: () => (now += 20), after: systemClock.after };
    expect(lookAtMime(MIXED, bodyOf([Buffer.from('--c\r\n'.repeat(20_000))]), true, slow)).toBe('time');
  });

  it('reads any value, and sees where quotes do not end', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const read = readContentType(`a/b; ${text}`);
        expect(read.type).toBe('a/b');
        expect(readContentType(`a/b; x="${text.replace(/["\\]/g, '')}"; boundary="q;=\\"x"`)).toEqual({
          type: 'a/b',
          boundary: 'q;="x',
          isOpen: false,
        });
      }),
    );
    expect(readContentType('A/B; boundary*1=two; boundary*0="one"')).toEqual({ type: 'a/b', boundary: 'onetwo', isOpen: false });
    expect(readContentType('no type').type).toBe('');
  });
});

describe('bad-inputs 29: From, Date and Message-ID', () => {
  const send = async (config: string, header: string) => {
    const { client, queued } = await openReception(makeRules, { config: `relay_hosts = ( 192.0.2.0/24 )\n${config}` });
    const c = client();
    await c.mail('a@b.test');
    await c.rcpt('one@c.test');
    return [await c.data(header), queued] as const;
  };

  it('what is missing is added where the options say so', async () => {
    const [, queued] = await send('', 'Subject: s\r\n\r\n');
    expect([queued[0]?.headers.has('date'), queued[0]?.headers.has('message-id')]).toEqual([true, true]);
    const [, bare] = await send('rfc2822_date_header = ignore\nrfc2822_messageid_header = ignore', 'Subject: s\r\n\r\n');
    expect([bare[0]?.headers.has('date'), bare[0]?.headers.has('message-id')]).toEqual([false, false]);
    expect((await send('rfc2822_date_header = pedantic', 'Subject: s\r\n\r\n'))[0]).toMatch(/^550 5\.6\.0/);
  });

  it.each(['From', 'DATE', 'Message-ID'])('%s twice is accepted, or refused where the option says so', async (name) => {
    const header = `${name}: a\r\nX: y\r\n${name.toLowerCase()}: b\r\n\r\n`;
    expect((await send('', header))[0]).toMatch(/^250/);
    expect((await send('rfc2822_duplicate_headers = reject', header))[0]).toMatch(/^550 5\.6\.0 Header field that may stand once/);
    expect((await send('rfc2822_duplicate_headers = reject', `${name}: a\r\n from: b\r\nX-From: c\r\n\r\n`))[0]).toMatch(/^250/);
  });
});
