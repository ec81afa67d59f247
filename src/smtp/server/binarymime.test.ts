/** BODY=BINARYMIME in a session (RFC 3030 3): only in chunks, octets as they are, and a header as strict as any. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, openStage, type Setting, type Stage } from '../../../test/fuzz/smtp-rehearsal.js';

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

async function begin(setting?: Setting): Promise<[Stage, Client]> {
  stage = await openStage(setting);
  const client = await stage.dial();
  await client.ask('EHLO client.test\r\n');
  await open(client);
  return [stage, client];
}

async function open(client: Client): Promise<void> {
  expect(await client.ask('MAIL FROM:<a@b.test> BODY=BINARYMIME\r\n')).toMatch(/^250/);
  expect(await client.ask('RCPT TO:<c@d.test>\r\n')).toMatch(/^250/);
}

const last = (text: string) => `BDAT ${text.length} LAST\r\n${text}`;
const OCTETS = `\0\r\n.\r\nMAIL FROM:<x@y.test>\n.\n\r.\r${'x'.repeat(3000)}\n`;

describe('a message of octets', () => {
  it.each(['pedantic', 'fix', 'ignore'] as const)('comes as it was sent, also with rfc2822_lone_lf_in_body = %s', async (policy) => {
    const [{ reception }, client] = await begin({ options: { rfc2822_lone_lf_in_body: policy } });
    const text = `a: b\r\n\r\n${OCTETS}`;
    expect(await client.ask(`BDAT 9\r\n${text.slice(0, 9)}`)).toMatch(/^250/);
    expect(await client.ask(last(text.slice(9)))).toBe('250 2.0.0 OK kept');
    expect(await client.ask('NOOP\r\n')).toMatch(/^250/);
    expect(reception.kept).toMatchObject([{ header: 'a: b\r\n\r\n', body: OCTETS, size: text.length }]);
    expect(reception.commands.filter((line) => line.startsWith('MAIL'))).toHaveLength(1);
  });

  it('cannot come by DATA: 503, and only RSET helps', async () => {
    const [, client] = await begin();
    expect(await client.ask('DATA\r\n')).toBe('503 5.5.1 bad sequence of commands');
    expect(await client.ask(last('a: b\r\n\r\n'))).toBe('503 5.5.1 bad sequence of commands');
    await client.ask('RSET\r\n');
    await open(client);
    expect(await client.ask(last('a: b\r\n\r\n\n'))).toBe('250 2.0.0 OK kept');
    // The next message is one of lines again.
    await client.ask('MAIL FROM:<a@b.test> BODY=8BITMIME\r\n');
    await client.ask('RCPT TO:<c@d.test>\r\n');
    expect(await client.ask(last('a: b\r\n\r\n\n'))).toBe('550 5.6.0 Lone CR or LF in body');
  });

  it.each(['pedantic', 'fix'] as const)('has a header of lines, also with rfc2822_lone_lf_in_headers = %s', async (policy) => {
    const [{ reception }, client] = await begin({ options: { rfc2822_lone_lf_in_headers: policy } });
    expect(await client.ask(last('a: b\0\r\n\r\nx'))).toBe('550 5.6.0 NUL in message');
    await open(client);
    expect(await client.ask(last(`a: ${'b'.repeat(999)}\r\n\r\nx`))).toBe('550 5.6.0 Header line too long');
    await open(client);
    expect(await client.ask(last('a: b\n\n\r\n\r\nx'))).toBe('550 5.6.0 Lone CR or LF in headers');
    expect(reception.kept).toEqual([]);
  });

  it('has the limit of size that all have', async () => {
    const [, client] = await begin({ options: { max_message_size: 100 } });
    expect(await client.ask(last(`a: b\r\n\r\n${'\0'.repeat(93)}`))).toMatch(/^552 5\.3\.4/);
  });
});
