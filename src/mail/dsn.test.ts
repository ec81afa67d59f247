import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { Address } from './address.js';
import { formatNotice, type NoticeFacts, statusOf } from './dsn.js';

const facts: NoticeFacts = {
  from: 'Mail Delivery <mailer-daemon@mx.test>',
  to: new Address('alice', 'sender.test'),
  subject: 'Delivery failed: bob@other.test',
  text: 'Your message to bob@other.test could not be delivered.\n\nDie Gegenstelle sagte: größer.',
  date: 'Mon, 23 Nov 2026 00:10:00 +0000',
  messageId: '<n1@mx.test>',
  boundary: 'b-1',
  reportingHost: 'mx.test',
  envelopeId: 'QQ 314159',
  arrivalDate: 'Mon, 23 Nov 2026 00:00:00 +0000',
  recipient: {
    address: new Address('bob', 'other.test'),
    original: 'rfc822;Bob@other.test',
    action: 'failed',
    reply: '550 5.1.1 no such user\r\nX-Injected: yes',
    remoteHost: 'mx.other.test',
    lastAttempt: 'Mon, 23 Nov 2026 00:09:00 +0000',
  },
  original: { headers: Buffer.from('Subject: hello\r\nTo: bob@other.test\r\n\r\n'), body: undefined },
};

describe('formatNotice', () => {
  it('is a report that an independent parser reads', async () => {
    const { headers, body } = formatNotice(facts);
    const parsed = await simpleParser(Buffer.concat([headers, body]));
    expect(parsed.from?.value[0]).toMatchObject({ name: 'Mail Delivery', address: 'mailer-daemon@mx.test' });
    expect(parsed.subject).toBe('Delivery failed: bob@other.test');
    expect(parsed.headers.get('auto-submitted')).toBe('auto-replied');
    expect(parsed.headers.get('content-type')).toMatchObject({ value: 'multipart/report', params: { 'report-type': 'delivery-status' } });
    expect(parsed.text).toContain('größer');
  });

  it('carries the fields of RFC 3464 and lets nothing be injected', () => {
    const text = formatNotice(facts).body.toString('utf8');
    expect(text).toContain('Reporting-MTA: dns;mx.test\r\n');
    expect(text).toContain('Original-Envelope-Id: QQ 314159\r\n');
    expect(text).toContain('Original-Recipient: rfc822;Bob@other.test\r\n');
    expect(text).toContain(
      'Final-Recipient: rfc822;bob@other.test\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns;mx.other.test\r\n',
    );
    expect(text).toContain('Diagnostic-Code: smtp;550 5.1.1 no such user X-Injected: yes\r\n');
    expect(text).toContain('Content-Type: text/rfc822-headers\r\n\r\nSubject: hello\r\n');
  });

  it('sends the whole original when asked, and UTF-8 addresses by RFC 6533', () => {
    const { body } = formatNotice({
      ...facts,
      recipient: { ...facts.recipient, address: new Address('jörg', 'other.test') },
      original: { headers: Buffer.from('Subject: x\r\n\r\n'), body: [Buffer.from('text\r\n')] },
    });
    const text = body.toString('utf8');
    expect(text).toContain('Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ntext\r\n');
    expect(text).toContain('message/global-delivery-status');
    expect(text).toContain('Final-Recipient: utf-8;jörg@other.test');
  });

  it('keeps every line below 998 octets', () => {
    const { body } = formatNotice({
      ...facts,
      text: 'y'.repeat(5000),
      recipient: { ...facts.recipient, reply: `550 ${'x'.repeat(5000)}` },
    });
    expect(
      Math.max(
        ...body
          .toString('latin1')
          .split('\r\n')
          .map((line) => line.length),
      ),
    ).toBeLessThan(998);
  });
});

describe('statusOf', () => {
  it.each([
    ['550 5.1.1 x', '5.1.1'],
    ['550 x', '5.0.0'],
    ['450 x', '4.0.0'],
    ['nonsense', '5.0.0'],
  ])('%s → %s', (reply, status) => expect(statusOf(reply)).toBe(status));
});
