import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeReply, encodeQuery, REPLY_BYTES } from './packet.js';

describe('packets of p0f', () => {
  it.each([
    ['192.0.2.10', '0146305004c000020a000000000000000000000000'],
    ['2001:db8::9', '014630500620010db8000000000000000000000009'],
    ['::', '014630500600000000000000000000000000000000'],
    ['::1', '014630500600000000000000000000000000000001'],
    ['1:2:3:4:5:6:7:8', '014630500600010002000300040005000600070008'],
    ['2001:DB8:0:0::', '014630500620010db8000000000000000000000000'],
    ['::ffff:192.0.2.10', '014630500600000000000000000000ffffc000020a'],
  ])('asks about %s', (ip, hex) => {
    expect(encodeQuery(ip)?.toString('hex')).toBe(hex);
  });

  it.each(['', 'localhost', '300.1.1.1', 'fe80::1%eth0'])('does not ask about "%s"', (ip) => {
    expect(encodeQuery(ip)).toBeUndefined();
  });

  it('reads every field', () => {
    const reply = Buffer.alloc(REPLY_BYTES);
    reply.writeUInt32LE(0x50304602, 0);
    reply.writeUInt32LE(0x10, 4);
    reply.writeUInt32LE(77, 20);
    reply.writeInt16LE(3, 36);
    reply[38] = 2;
    reply.write('Linux', 40);
    reply.write('x'.repeat(32), 72);
    reply.write('DSL\0behind', 168);
    const read = { genre: 'Linux', detail: 'x'.repeat(32), distance: 3, uptimeMinutes: 77, link: 'DSL', badSoftware: 2 };
    expect(decodeReply(reply)).toEqual(read);
    reply.writeInt16LE(-1, 36);
    expect(decodeReply(reply)).toEqual({ ...read, distance: undefined });
  });

  it('takes any bytes without a throw, and lets no control character through', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 240 }), fc.boolean(), (bytes, dressed) => {
        const reply = Buffer.from(bytes);
        if (dressed && reply.length >= 8) {
          reply.writeUInt32LE(0x50304602, 0);
          reply.writeUInt32LE(0x10, 4);
        }
        const said = decodeReply(reply);
        if (typeof said === 'string') return;
        expect(reply.length).toBe(REPLY_BYTES);
        expect(`${said.genre}${said.detail}${said.link}`).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
