import { describe, expect, it } from 'vitest';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { bodyOf, Copy, ResidentBody } from '../module/copy.js';
import type { Body, Reception } from '../module/message.js';
import { shareTransaction } from './transaction.js';

interface Parts {
  readonly reception?: Partial<Reception>;
  readonly header?: string;
  readonly body?: Body;
  readonly notice?: boolean;
  readonly priority?: number;
}

/** A mail with objects of its own, as the spool reads it back. */
function readBack({
  reception = {},
  header = 'Subject: x\r\n\r\n',
  body = bodyOf([Buffer.from('hello\r\n')]),
  notice = false,
  priority = 0,
}: Parts = {}): Copy {
  const full: Reception = {
    batchId: 'B',
    connectionId: 'C',
    protocol: 'esmtp',
    receivedAt: 5,
    sender: new Address('a', 'b.example'),
    facts: new Facts(),
    smtpUtf8: false,
    ...reception,
  };
  return Object.assign(new Copy('id', full, [new Address('r', 'example.com')], new Headers(Buffer.from(header)), body, new Facts()), {
    notice,
    priority,
  });
}

describe('one transaction', () => {
  it('joins copies that were read back one by one', () => {
    expect(shareTransaction(readBack(), readBack())).toBe(true);
  });

  const chunks = (...texts: string[]): Body => {
    const parts = texts.map((text) => Buffer.from(text));
    return new ResidentBody(parts, texts.join('').length, false, false);
  };
  const file = (path: string): Body => ({
    size: 9,
    dots: false,
    eightBit: false,
    resident: undefined,
    file: path,
    read: () => bodyOf([]).read(),
  });

  const apart: [string, Parts, Parts][] = [
    ['another batch', {}, { reception: { batchId: 'X' } }],
    ['no batch at all', { reception: { batchId: '' } }, { reception: { batchId: '' } }],
    ['another priority', {}, { priority: 1 }],
    ['another time', {}, { reception: { receivedAt: 6 } }],
    ['another sender', {}, { reception: { sender: null } }],
    ['another ENVID', {}, { reception: { envelopeId: 'e' } }],
    ['another RET', {}, { reception: { returnContent: 'full' } }],
    ['SMTPUTF8', {}, { reception: { smtpUtf8: true } }],
    ['another header', {}, { header: 'Subject: y\r\n\r\n' }],
    ['another body of the same size', {}, { body: bodyOf([Buffer.from('hallo\r\n')]) }],
    ['another size', {}, { body: bodyOf([Buffer.from('hello you\r\n')]) }],
    ['another file', { body: file('/1') }, { body: file('/2') }],
    ['memory and file', {}, { body: file('/1') }],
    ['a notice', {}, { notice: true }],
  ];
  for (const [name, a, b] of apart) it(`keeps ${name} apart`, () => expect(shareTransaction(readBack(a), readBack(b))).toBe(false));

  it('joins what lies in one file, or in the same chunks', () => {
    expect(shareTransaction(readBack({ body: file('/1') }), readBack({ body: file('/1') }))).toBe(true);
    expect(shareTransaction(readBack({ body: chunks('ab', 'cd') }), readBack({ body: chunks('ab', 'cd') }))).toBe(true);
    expect(shareTransaction(readBack({ body: chunks('ab', 'cd') }), readBack({ body: chunks('ab', 'ce') }))).toBe(false);
  });
});
