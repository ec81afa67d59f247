/** Notices as mail systems write them: who did not get the message, and why. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address } from '../mail/address.js';
import { type Letter, readReturned, readVerp } from './returned.js';

const lines = (...text: string[]): string => text.join('\r\n');
const read = (letter: Letter, never: readonly string[] = []) => readReturned(letter, (address) => never.includes(String(address)));
const brief = (letter: Letter, never: readonly string[] = []) => {
  const { kind, findings } = read(letter, never);
  return [kind, ...findings.map(({ recipient, action, status, text }) => [String(recipient), action, status, text].join(' | '))];
};

const REPORT_HEAD = lines(
  'From: MAILER-DAEMON@mx.example.net (Mail Delivery System)',
  'To: bounces@ours.test',
  'Subject: Undelivered Mail Returned to Sender',
  'Content-Type: multipart/report; report-type=delivery-status;',
  '\tboundary="B1/mx.example.net"',
  '',
);
const report = (status: string, more = ''): Letter => ({
  headers: REPORT_HEAD,
  body: lines(
    'This is MIME.',
    '',
    '--B1/mx.example.net',
    'Content-Type: text/plain',
    '',
    'Sorry, see below.',
    '',
    '--B1/mx.example.net',
    'Content-Type: message/delivery-status',
    more,
    status,
    '',
    '--B1/mx.example.net',
    'Content-Type: message/rfc822',
    '',
    'Message-ID: <original@ours.test>',
    'To: carol@example.net',
    '',
    'text',
    '--B1/mx.example.net--',
    '',
  ),
});
const MTA = lines('Reporting-MTA: dns; mx.example.net', 'Arrival-Date: Mon, 1 Jan 2024 00:00:00 +0000', '');

describe('RFC 3464', () => {
  it('names recipient, status, reply and the message it is about', () => {
    const status = lines(
      MTA,
      'Original-Recipient: rfc822;bob+1@example.net',
      'Final-Recipient: rfc822; bob@inner.example.net',
      'Action: failed',
      'Status: 5.1.1',
      'Diagnostic-Code: smtp; 550-5.1.1 no such',
      '    user here',
    );
    expect(read(report(status))).toEqual({
      kind: 'report',
      messageId: '<original@ours.test>',
      findings: [
        { recipient: new Address('bob+1', 'example.net'), action: 'failed', status: '5.1.1', text: '550-5.1.1 no such user here' },
      ],
    });
  });

  it('may be about many recipients, of which some got it', () => {
    const one = (name: string, action: string, status: string) =>
      lines('', `Final-Recipient: RFC822; <${name}@example.net>`, `Action: ${action}`, `Status: ${status}`);
    const all = lines(
      MTA.trimEnd(),
      one('a', 'failed', '5.2.2 (full)'),
      one('b', 'delayed', '4.4.1'),
      one('c', 'delivered', '2.0.0'),
      one('d', 'expanded', '2.0.0'),
    );
    expect(brief(report(all))).toEqual([
      'report',
      'a@example.net | failed | 5.2.2 | 5.2.2',
      'b@example.net | delayed | 4.4.1 | 4.4.1',
      'c@example.net | other | 2.0.0 | 2.0.0',
      'd@example.net | other | 2.0.0 | 2.0.0',
    ]);
  });

  it('is read where it is base64, where its types are those of RFC 6533, and where its boundary is wrong', () => {
    const block = lines('Final-Recipient: utf-8; jörg@exämple.test', 'Action: failed', 'Status: 5.1.1');
    const encoded = report(Buffer.from(block, 'utf8').toString('base64'), 'Content-Transfer-Encoding: base64\r\n');
    expect(brief(encoded)[1]).toBe('jörg@exämple.test | failed | 5.1.1 | 5.1.1');
    const global = { ...encoded, body: encoded.body.replace('message/delivery-status', 'message/global-delivery-status') };
    expect(brief(global)).toEqual(brief(encoded));
    const plain = report(lines(MTA, 'Final-Recipient: rfc822; bob@example.net', 'Action: failed', 'Status: 5.0.0'));
    expect(brief({ ...plain, headers: plain.headers.replace('B1/', 'B2/') })[1]).toContain('bob@example.net | failed | 5.0.0');
  });

  it('that names nobody is about the one to whom the message was', () => {
    const status = lines(MTA, 'Final-Recipient: rfc822;|/bin/filter', 'Action: failed', 'Status: 5.3.0');
    expect(brief(report(status))).toEqual(['report', 'carol@example.net | failed | 5.3.0 | 5.3.0']);
  });

  it('passes over addresses that are never taken', () => {
    const status = lines(
      MTA,
      'Original-Recipient: rfc822;list@ours.test',
      'Final-Recipient: rfc822; bob@example.net',
      'Action: failed',
      'Status: 5.1.1',
    );
    expect(brief(report(status), ['list@ours.test'])[1]).toContain('bob@example.net');
    expect(brief(report(status), ['list@ours.test', 'bob@example.net', 'carol@example.net'])[1]).toContain('undefined');
  });
});

const words = (body: string, more = '', subject = 'failure notice'): Letter => ({
  headers: lines('From: MAILER-DAEMON@mx.example.net', 'To: bounces@ours.test', `Subject: ${subject}`, more),
  body,
});

describe('notices in words', () => {
  it.each<[string, Letter, string]>([
    [
      'qmail',
      words(
        lines(
          'Hi. This is the qmail-send program at mx.example.net.',
          "I'm afraid I wasn't able to deliver your message to the following addresses.",
          '',
          '<bob@example.net>:',
          'Sorry, no mailbox here by that name. (#5.1.1)',
          '',
          '--- Below this line is a copy of the message.',
          '',
          'Message-ID: <x@ours.test>',
          'To: other@example.org',
        ),
      ),
      'bob@example.net | failed | 5.1.1 | Sorry, no mailbox here by that name. (#5.1.1)',
    ],
    [
      'Exim',
      words(
        lines(
          'This message was created automatically by mail delivery software.',
          'The following address(es) failed:',
          '',
          '  bob@example.net',
          '    host mx.example.net [192.0.2.1]',
          '    SMTP error from remote mail server after RCPT TO:<bob@example.net>:',
          '    550 5.2.2 mailbox full',
          '',
          '------ This is a copy of the message, including all the headers. ------',
        ),
        'X-Failed-Recipients: bob@example.net, eve@example.net',
        'Mail delivery failed: returning message to sender',
      ),
      'bob@example.net | failed | 5.2.2 | 550 5.2.2 mailbox full',
    ],
    [
      'sendmail',
      words(
        lines(
          '   ----- The following addresses had permanent fatal errors -----',
          '<bob@example.net>',
          '    (reason: 550 5.1.1 <bob@example.net>... User unknown)',
          '',
          '   ----- Transcript of session follows -----',
        ),
        '',
        'Returned mail: see transcript for details',
      ),
      'bob@example.net | failed | 5.1.1 | (reason: 550 5.1.1 <bob@example.net>... User unknown)',
    ],
    [
      'Postfix without a report',
      words(
        lines(
          'I am sorry to have to inform you that your message could not be delivered.',
          'For further assistance, please send mail to <postmaster@mx.example.net>',
          '',
          '<bob@example.net>: host mx.example.net[192.0.2.1] said: 552 5.3.4 too large',
          '    (in reply to MAIL FROM command)',
          '',
        ),
      ),
      'bob@example.net | failed | 5.3.4 | <bob@example.net>: host mx.example.net[192.0.2.1] said: 552 5.3.4 too large (in reply to MAIL FROM command)',
    ],
    [
      'Exchange',
      words(
        lines(
          'Your message did not reach some or all of the intended recipients.',
          '',
          '  bob@example.net on 1/1/2024 1:00 AM',
          '    The e-mail address could not be found.',
        ),
        '',
        'Undeliverable: hello',
      ),
      'bob@example.net | failed |  | Your message did not reach some or all of the intended recipients. bob@example.net on 1/1/2024 1:00 AM The e-mail address could not be found.',
    ],
    [
      'a delay',
      words(
        lines('THIS IS A WARNING MESSAGE ONLY.', 'Your message has not been delivered yet to bob@example.net.', '451 4.4.1 no answer'),
        '',
        'Warning: message delayed',
      ),
      'bob@example.net | delayed | 4.4.1 | 451 4.4.1 no answer',
    ],
  ])('%s', (_who, letter, expected) => {
    const [kind, first] = brief(letter);
    expect([kind, first]).toEqual(['notice', expected]);
  });

  it('tell the id of the message when the copy below has it in the text', () => {
    expect(read(words(lines('550 no', '', 'Message-ID: <x@ours.test>'))).messageId).toBe('<x@ours.test>');
  });

  it('tell every address of X-Failed-Recipients', () => {
    expect(brief(words('550 no', 'X-Failed-Recipients: a@x.test, b@x.test'))).toHaveLength(3);
  });
});

describe('what is no notice', () => {
  it.each([
    [
      'a complaint',
      {
        headers: 'From: fbl@isp.test\r\nSubject: complaint\r\nContent-Type: multipart/report; boundary=b',
        body: '--b\r\nContent-Type: message/feedback-report\r\n\r\nx\r\n--b--',
      },
      'other',
    ],
    ['an answer', { headers: 'From: bob@example.net\r\nSubject: Re: hello', body: 'Thanks!' }, 'letter'],
    ['nothing', { headers: '', body: '' }, 'letter'],
  ])('%s', (_what, letter, kind) => {
    expect(read(letter)).toEqual({ kind, findings: [], messageId: undefined });
  });
});

describe('return paths that carry the recipient', () => {
  it.each([
    ['bounce+bob=example.net', 'bob@example.net'],
    ['bounce-bob=example.net', 'bob@example.net'],
    ['b+a-b=c=example.net', 'a-b=c@example.net'],
    ['bob=example.net', undefined],
    ['bounce+bob', undefined],
    ['bounce+=example.net', undefined],
    ['bounce+bob=', undefined],
  ])('%s carries %s', (local, expected) => {
    expect(readVerp(new Address(local, 'ours.test'))?.toString()).toBe(expected);
  });
});

describe('hostile input', () => {
  it('of any kind is read to an end', () => {
    const text = fc.string({
      unit: fc.constantFrom(
        '--b',
        '\r\n',
        '\n',
        ':',
        ' ',
        'a@b.c',
        '550 5.1.1 ',
        'Content-Type: multipart/mixed; boundary=b\r\n',
        'Final-Recipient',
        'x',
        '=',
      ),
      maxLength: 200,
    });
    fc.assert(
      fc.property(text, text, (headers, body) => {
        const { findings } = read({ headers, body });
        for (const finding of findings) expect(finding.text.length).toBeLessThanOrEqual(1000);
      }),
    );
  });

  it('takes no time however it is made', () => {
    const size = 65_536;
    const fill = (bait: string): string => bait.repeat(Math.ceil(size / bait.length)).slice(0, size);
    const nested = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n';
    for (const bait of [
      'a@',
      '@',
      'a',
      '\n',
      '\r\n\r\n',
      '--b\r\n',
      nested,
      'Final-Recipient: rfc822;',
      '=\r\n',
      '550',
      ' ',
      '--b\r\n\r\n',
      'message-id:',
      'boundary=',
    ]) {
      for (const headers of [
        `From: postmaster@x.test\r\nContent-Type: multipart/report; boundary=b\r\n${fill(bait)}`,
        'Subject: undeliverable\r\nContent-Transfer-Encoding: quoted-printable',
      ]) {
        const began = performance.now();
        read({ headers, body: fill(bait) });
        expect(performance.now() - began, JSON.stringify(bait.slice(0, 20))).toBeLessThan(300);
      }
    }
  });
});
