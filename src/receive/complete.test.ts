import { describe, expect, it } from 'vitest';
import { makeRules } from '../server/rules.js';
import { openReception } from './fixture.js';

const RELAY = 'relay_hosts = ( 192.0.2.0/24 )';

/** The header block that is kept, or the refusal. */
async function keep(
  block: string,
  config = '',
  more: Parameters<Awaited<ReturnType<typeof openReception>>['client']>[0] = {},
  sender: string | null = 'a@b.test',
  listener = '',
) {
  const { client, queued } = await openReception(makeRules, { config: `${RELAY}\n${config}`, listener });
  const c = client(more);
  await c.mail(sender);
  await c.rcpt('x@c.test');
  const answer = await c.data(block);
  const [copy] = queued;
  return copy ? { text: copy.headers.bytes().toString(), batch: copy.reception.batchId } : answer;
}
const textOf = async (...about: Parameters<typeof keep>): Promise<string> => {
  const kept = await keep(...about);
  if (typeof kept !== 'object' || !('text' in kept)) throw new Error(`not kept: ${String(kept)}`);
  return kept.text;
};

const WHOLE = 'Date: d\r\nMessage-ID: <m@x>\r\nSubject: s\r\n\r\n';
const BARE = 'Subject: s\r\n\r\n';
const DATE = /Date: Fri, 15 Jan 2027 \d\d:\d\d:\d\d [+-]\d{4}\r\n/;

describe('trace fields', () => {
  it('stand on top, in this order', async () => {
    const text = await textOf(WHOLE);
    expect(text).toMatch(
      /^Return-Path: <a@b\.test>\r\nReceived: from \[192\.0\.2\.10\] \(\[192\.0\.2\.10:41000\] helo=client\.test\)\r\n\tby mx\.test \(envelope-from <a@b\.test>\)\r\n\t\(Celeris 0\) with ESMTP\r\n\tid ID\/\d; Fri, 15 Jan 2027 \d\d:\d\d:\d\d [+-]\d{4}\r\nDate: d\r\n/,
    );
    expect(text.endsWith(WHOLE)).toBe(true);
  });

  it('tell protocol, TLS, log-in, null sender and a name of our own', async () => {
    const tls = { protocol: 'TLSv1.3', cipher: 'x', bits: 256, verified: false };
    expect(await textOf(WHOLE, '', { tls, user: 'u' })).toContain('with ESMTPSA\r\n');
    expect(await textOf(WHOLE, '', { protocol: 'smtp', helo: undefined })).toContain('helo=)\r\n\tby mx.test');
    expect(await textOf(WHOLE, '', {}, null)).toMatch(/^Return-Path: <>\r\n/);
    expect(await textOf(WHOLE, '', {}, null, 'received_hostname = "public.test"')).toContain('\r\n\tby public.test (');
  });

  it('are left out with rfc2822_trace_headers = false: the block is the one that came', async () => {
    expect(await textOf(WHOLE, 'rfc2822_trace_headers = false')).toBe(WHOLE);
  });
});

describe('Date and Message-ID', () => {
  it('are added below where they lack', async () => {
    const kept = await keep(BARE, 'rfc2822_trace_headers = false');
    if (typeof kept !== 'object' || !('text' in kept)) throw new Error('not kept');
    expect(kept.text.startsWith(`Subject: s\r\nMessage-ID: <${kept.batch.replace('/', '.')}@mx.test>\r\n`)).toBe(true);
    expect(kept.text).toMatch(DATE);
    expect(kept.text.endsWith('\r\n\r\n')).toBe(true);
  });

  it.each([
    ['whatever the case', 'DATE: d\r\nmessage-id: <m>\r\n\r\n', false],
    ['as the first fields', 'Message-ID: <m>\r\nDate: d\r\n\r\n', false],
    ['not in a Resent- field', 'Resent-Date: d\r\nResent-Message-ID: <m>\r\n\r\n', true],
    ['not in a folded line', 'Subject: s\r\n date: d\r\n\tmessage-id: <m>\r\n\r\n', true],
  ])('are found %s', async (_how, block, added) => {
    const text = await textOf(block, 'rfc2822_trace_headers = false');
    expect(text === block).toBe(!added);
    expect(DATE.test(text)).toBe(added);
    expect(text.includes('@mx.test>\r\n')).toBe(added);
  });

  it('are left alone with ignore', async () => {
    const config = 'rfc2822_trace_headers = false\nrfc2822_date_header = "ignore"\nrfc2822_messageid_header = "ignore"';
    expect(await textOf(BARE, config)).toBe(BARE);
    expect(await textOf(BARE, 'rfc2822_trace_headers = false\nrfc2822_date_header = "ignore"')).not.toMatch(DATE);
    expect(await textOf(BARE, 'rfc2822_trace_headers = false\nrfc2822_messageid_header = "ignore"')).not.toContain('Message-ID');
  });

  it('the first is demanded with pedantic', async () => {
    const config = 'rfc2822_date_header = "pedantic"';
    expect(await keep(BARE, config)).toBe('550 5.6.0 Missing required RFC2822 Date field');
    expect(await textOf(WHOLE, config)).toContain('Date: d\r\n');
  });
});

describe('a message without a header block', () => {
  it('is accepted and gets one', async () => {
    const text = await textOf('');
    expect(text).toMatch(/^Return-Path: [\s\S]*\r\nMessage-ID: [\s\S]*\r\nDate: [\s\S]*\r\n\r\n$/);
  });

  it('is refused with rfc2822_missing_headers = reject, as the core says it', async () => {
    expect(await keep('', 'rfc2822_missing_headers = "reject"')).toBe('550 5.6.0 Required headers not found');
    expect(await textOf(BARE, 'rfc2822_missing_headers = "reject"')).toContain('Subject: s');
  });

  it('keeps an empty block when nothing is to be added', async () => {
    const config = 'rfc2822_trace_headers = false\nrfc2822_date_header = "ignore"\nrfc2822_messageid_header = "ignore"';
    expect(await textOf('', config)).toBe('\r\n');
    expect(await textOf('\r\n', config)).toBe('\r\n');
  });
});
