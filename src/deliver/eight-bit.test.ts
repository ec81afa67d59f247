/** 8-bit content and servers that take it, or do not: send_8bitmime and transform_8bitmime_content on the wire. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Peer, polite, startPeer } from '../../test/chaos/peer.js';
import { makeRoom, type Room } from '../../test/chaos/room.js';
import type { Attempt } from '../module/attempt.js';

let room: Room | undefined;
let peer: Peer | undefined;
afterEach(async () => {
  await room?.stop();
  await peer?.close();
});

async function deliver(
  config: string,
  keywords: readonly string[],
  body = 'ä\r\n.dot\r\n',
): Promise<{ mail: string; text: string; attempt: Attempt | undefined }> {
  const seen = { mail: '', text: '' };
  peer = await startPeer(
    polite({
      keywords,
      answer: (verb, line) => {
        if (verb === 'MAIL') seen.mail = line;
        return undefined;
      },
      received: (text) => {
        seen.text = text;
      },
    }),
  );
  room = await makeRoom({ config, routes: { 'a.test': [{ port: peer.port }] } });
  room.send(['x@a.test'], undefined, body);
  const [attempt] = await room.until(1);
  return { ...seen, attempt };
}
const RAW = Buffer.from('ä').toString('latin1');

describe('transform_8bitmime_content', () => {
  it.each([['PIPELINING'], ['SIZE 1000000']])('ifneeded: encodes where 8BITMIME is not offered (%s)', async (keyword) => {
    const { mail, text, attempt } = await deliver('transform_8bitmime_content = ifneeded', [keyword]);
    expect(attempt?.outcome).toBe('delivered');
    expect(mail).toBe('MAIL FROM:<alice@sender.test>');
    expect(text).toContain('Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n..dot');
  });

  it('ifneeded: encodes a message too large for one write', async () => {
    const { text } = await deliver('', ['PIPELINING'], `${'ä'.repeat(40)}\r\n`.repeat(10_000));
    expect(text).not.toMatch(/[\x80-\xff]/);
    expect(text.replaceAll('=\r\n', '').split('=C3=A4'.repeat(40))).toHaveLength(10_001);
  });

  it.each([
    ['ifneeded', ['8BITMIME'], RAW],
    ['no', [], RAW],
    ['strip', [], '\r\n\r\nC$'],
  ])('%s, %j: %s', async (value, keywords, expected) => {
    const { text, attempt } = await deliver(`transform_8bitmime_content = ${value}`, keywords);
    expect(attempt?.outcome).toBe('delivered');
    expect(text).toContain(expected);
    expect(text).not.toContain('Content-Transfer-Encoding');
  });

  it('strict: fails', async () => {
    const { attempt } = await deliver('transform_8bitmime_content = strict', []);
    expect(attempt).toMatchObject({ outcome: 'failed', reply: '554 5.6.3 [internal] 8BITMIME required but not advertised' });
  });
});

describe('send_8bitmime', () => {
  it.each([
    ['ifavailable', ['8BITMIME'], 'MAIL FROM:<alice@sender.test> BODY=8BITMIME'],
    ['no', ['8BITMIME'], 'MAIL FROM:<alice@sender.test>'],
    ['ifavailable', [], 'MAIL FROM:<alice@sender.test>'],
  ])('%s, %j: %s', async (value, keywords, line) => {
    expect((await deliver(`send_8bitmime = ${value}`, keywords)).mail).toBe(line);
  });
});
