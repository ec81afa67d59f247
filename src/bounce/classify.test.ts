import { describe, expect, it } from 'vitest';
import { CLASS, CLASS_NAMES, classifyReply, classifyStatus } from './classify.js';

describe('the class of a reply', () => {
  it.each([
    ['250 2.0.0 OK', 0],
    ['250 OK', 0],
    ['550 5.1.1 no such user', CLASS.invalidRecipient],
    ['450 4.1.1 not now', CLASS.invalidRecipient],
    ['550 5.1.2 bad domain', CLASS.dnsFailure],
    ['550 5.1.3 bad address', CLASS.invalidRecipient],
    ['550 5.1.6 moved', CLASS.invalidRecipient],
    ['550 5.1.10 null MX', CLASS.invalidRecipient],
    ['550 5.2.1 disabled', CLASS.invalidRecipient],
    ['552 5.2.2 full', CLASS.mailboxFull],
    ['452 4.2.2 full', CLASS.mailboxFull],
    ['552 5.2.3 too large', CLASS.tooLarge],
    ['552 5.3.4 message size limit exceeded', CLASS.tooLarge],
    ['451 4.4.1 [internal] No valid hosts', CLASS.timeout],
    ['451 4.4.2 [internal] connection closed by remote host', CLASS.timeout],
    ['554 5.4.4 [internal] no MX or A for domain', CLASS.dnsFailure],
    ['554 5.4.6 [internal] loops back to this host', CLASS.adminFailure],
    ['554 5.4.7 [internal] exceeded max time without delivery', CLASS.timeout],
    ['550 5.7.1 blocked', CLASS.mailBlock],
    ['550 5.1.1 relay user unknown', CLASS.invalidRecipient],
    ['450 4.7.99 who knows', CLASS.transient],
    ['451 greylisted', CLASS.transient],
    ['450 4.2.1 busy', CLASS.transient],
    ['550 no', CLASS.undetermined],
    ['554 5.9.9 odd', CLASS.undetermined],
    ['', CLASS.undetermined],
    ['hello', CLASS.undetermined],
  ])('%j', (line, expected) => {
    expect(classifyReply(line)).toBe(expected);
  });

  it.each([
    ['4.2.1', CLASS.transient],
    ['4.7.1', CLASS.transient],
    ['4.1.1', CLASS.invalidRecipient],
    ['5.1.8', CLASS.mailBlock],
    ['5.0.0', undefined],
  ])('%s alone says %s', (status, expected) => {
    expect(classifyStatus(status)).toBe(expected);
  });

  it('every class has a name', () => {
    expect(Object.values(CLASS).filter((n) => !CLASS_NAMES.has(n))).toEqual([]);
    expect(CLASS_NAMES.size).toBe(20);
  });
});
