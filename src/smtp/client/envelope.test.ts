import { describe, expect, it } from 'vitest';
import { makeCopies } from '../../../test/fixtures/copies.js';
import { Address } from '../../mail/address.js';
import { Copy } from '../../module/copy.js';
import { NOTIFY } from '../../module/message.js';
import { Batch } from './batch.js';
import { type Capabilities, NO_CAPABILITIES, readCapabilities } from './capabilities.js';
import { findObstacle, formatMail, formatRcpt } from './envelope.js';
import type { ClientTerms } from './terms.js';

const everything: Capabilities = {
  pipelining: true,
  eightBitMime: true,
  smtpUtf8: true,
  size: true,
  dsn: true,
  startTls: true,
  xclient: undefined,
  deliverBy: 0,
  mtPriority: true,
  auth: ['PLAIN', 'LOGIN'],
  requireTls: true,
};
const terms = { sendEightBit: true, strictEightBit: false } as ClientTerms;
const copyOf = (wishes: Parameters<typeof makeCopies>[1] = {}, recipient = 'bob@a.test'): Copy =>
  makeCopies([recipient], wishes)[0] as Copy;
const withReception = (copy: Copy, more: object): Copy =>
  new Copy(copy.id, { ...copy.reception, ...more }, copy.recipients, copy.headers, copy.content, copy.facts);

describe('readCapabilities', () => {
  it('takes keywords in any case, with parameters, and no others', () => {
    const can = readCapabilities(['PIPELINING is my name', 'size 1000', '8bitMIME', 'DSN', 'X-PIPELINING', '', '\u0000']);
    expect(can).toEqual({
      pipelining: false,
      eightBitMime: true,
      smtpUtf8: false,
      size: true,
      dsn: true,
      startTls: false,
      xclient: undefined,
      mtPriority: false,
      auth: [],
      requireTls: false,
    });
    expect(readCapabilities(['hi', 'AUTH plain LOGIN', 'AUTH=Login x']).auth).toEqual(['PLAIN', 'LOGIN', 'LOGIN', 'X']);
    expect(readCapabilities(['hi', 'XClient name ADDR']).xclient).toEqual(['NAME', 'ADDR']);
  });
});

describe('MAIL and RCPT', () => {
  it('say nothing a server did not offer', () => {
    const copy = withReception(copyOf({ body: 'ä\r\n', notify: NOTIFY.never }), { envelopeId: 'x', returnContent: 'full' });
    copy.notify = NOTIFY.never;
    expect(formatMail(new Batch([copy]), NO_CAPABILITIES, terms, 0)).toBe('MAIL FROM:<alice@sender.test>\r\n');
    expect(formatRcpt(copy, NO_CAPABILITIES, 0)).toBe('RCPT TO:<bob@a.test>\r\n');
  });

  it('say everything where it belongs', () => {
    const copy = withReception(copyOf({ body: 'ä\r\n' }), { envelopeId: 'a+b =c', returnContent: 'headers' });
    copy.notify = NOTIFY.success | NOTIFY.failure | NOTIFY.delay;
    copy.originalRecipient = 'rfc822;bob+tag@old.test';
    expect(formatMail(new Batch([copy]), everything, terms, 0)).toBe(
      `MAIL FROM:<alice@sender.test> SIZE=${copy.size} BODY=8BITMIME MT-PRIORITY=0 RET=HDRS ENVID=a+2Bb+20+3Dc\r\n`,
    );
    expect(formatRcpt(copy, everything, 0)).toBe('RCPT TO:<bob@a.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;bob+2Btag@old.test\r\n');
  });

  it('keep 8BITMIME for 8-bit content, and for those who asked', () => {
    expect(formatMail(new Batch([copyOf()]), everything, terms, 0)).not.toContain('BODY');
    expect(formatMail(new Batch([copyOf({ body: 'ä\r\n' })]), everything, { ...terms, sendEightBit: false }, 0)).not.toContain('BODY');
  });

  it('write the empty sender', () => {
    expect(formatMail(new Batch([copyOf({ sender: null })]), NO_CAPABILITIES, terms, 0)).toBe('MAIL FROM:<>\r\n');
  });

  it('leave out an ORCPT that could break the line', () => {
    const copy = copyOf();
    copy.originalRecipient = 'rfc822\r\nRCPT TO:<x@y>;z';
    expect(formatRcpt(copy, everything, 0)).toBe('RCPT TO:<bob@a.test>\r\n');
    copy.originalRecipient = 'rfc822;a\r\nb@c';
    expect(formatRcpt(copy, everything, 0)).toBe('RCPT TO:<bob@a.test> ORCPT=rfc822;a+0D+0Ab@c\r\n');
  });
});

describe('findObstacle', () => {
  const old: Capabilities = { ...everything, smtpUtf8: false, eightBitMime: false };

  it('needs SMTPUTF8 for addresses beyond ASCII, whoever said it', () => {
    const sender = new Address('jürgen', 'sender.test');
    expect(findObstacle(new Batch([copyOf({ sender })]), old, terms, 0)).toMatch(/^550 5\.6\.7 /);
    expect(findObstacle(new Batch([copyOf({}, 'jürgen@a.test')]), old, terms, 0)).toMatch(/^550 5\.6\.7 /);
    expect(findObstacle(new Batch([copyOf({ sender })]), everything, terms, 0)).toBeUndefined();
    expect(formatMail(new Batch([copyOf({ sender })]), everything, terms, 0)).toContain(' SMTPUTF8');
  });

  it('does not need it for a message that only came with it', () => {
    expect(findObstacle(new Batch([withReception(copyOf(), { smtpUtf8: true })]), old, terms, 0)).toBeUndefined();
  });

  it('lets 8-bit content pass unless it is to be strict', () => {
    const batch = new Batch([copyOf({ body: 'ä\r\n' })]);
    expect(findObstacle(batch, old, terms, 0)).toBeUndefined();
    expect(findObstacle(batch, old, { ...terms, strictEightBit: true }, 0)).toMatch(/^554 5\.6\.3 /);
  });
});

describe('MT-PRIORITY', () => {
  it.each<[string | undefined, number, string]>([
    ['3', 3, ' MT-PRIORITY=3'],
    ['-2', -2, ' MT-PRIORITY=-2'],
    [undefined, 0, ' MT-PRIORITY=0'],
    // Who may not go before others here may not do so further on.
    ['9', 0, ' MT-PRIORITY=0'],
    ['3 X=1', 12.5, ' MT-PRIORITY=9'],
    [undefined, Number.NaN, ' MT-PRIORITY=0'],
  ])('%s with priority %d goes on as "%s"', (asked, priority, said) => {
    const copy = copyOf(asked === undefined ? {} : { facts: { mt_priority: asked } });
    copy.priority = priority;
    const batch = new Batch([copy]);
    expect(formatMail(batch, { ...NO_CAPABILITIES, mtPriority: true }, terms, 0)).toBe(`MAIL FROM:<alice@sender.test>${said}\r\n`);
    expect(formatMail(batch, NO_CAPABILITIES, terms, 0)).toBe('MAIL FROM:<alice@sender.test>\r\n');
  });
});

describe('DELIVERBY', () => {
  const NOW = 1_000_000;
  const judge = (fact: string, deliverBy: number | undefined) => {
    const batch = new Batch([copyOf({ facts: { deliver_by: fact } })]);
    const can = { ...NO_CAPABILITIES, deliverBy };
    return (
      findObstacle(batch, can, terms, NOW)?.slice(0, 9) ??
      formatMail(batch, can, terms, NOW).slice('MAIL FROM:<alice@sender.test>'.length).trim()
    );
  };

  it.each([
    ['1060000R', 0, 'BY=60;R'],
    ['1060000RT', 60, 'BY=60;RT'],
    ['1060000R', 61, '554 5.4.7'],
    ['1000500R', 0, '554 5.4.7'],
    ['1060000R', undefined, '554 5.3.3'],
    ['1060000N', undefined, ''],
    ['990000N', 600, 'BY=-10;N'],
    ['nonsense', 0, ''],
  ])('%s towards a server with minimum %s: %s', (fact, minimum, said) => expect(judge(fact, minimum)).toBe(said));

  it.each<[string, number, number | undefined, string]>([
    ['1060000N', 0, undefined, ' NOTIFY=FAILURE,DELAY'],
    ['1060000NT', NOTIFY.success, undefined, ' NOTIFY=SUCCESS,DELAY'],
    ['1060000N', NOTIFY.never, undefined, ' NOTIFY=NEVER'],
    ['1060000N', 0, 0, ''],
    ['1000000N', 0, undefined, ''],
    ['1060000R', NOTIFY.failure, 0, ' NOTIFY=FAILURE'],
  ])('%s with NOTIFY %i asks a server with minimum %s for word of delay: "%s"', (fact, notify, deliverBy, said) => {
    const copy = copyOf({ facts: { deliver_by: fact } });
    copy.notify = notify;
    expect(formatRcpt(copy, { ...NO_CAPABILITIES, dsn: true, deliverBy }, NOW)).toBe(`RCPT TO:<bob@a.test>${said}\r\n`);
  });
});
