import { describe, expect, it } from 'vitest';
import { Headers } from '../mail/headers.js';
import { formatLogin, markLogin } from './auth-results.js';

const NAMES = ['mx.test', 'mta.test'];
const mark = (block: string, user?: string): string =>
  markLogin(new Headers(Buffer.from(block)), 'mx.test', NAMES, user)
    .bytes()
    .toString();

describe('Authentication-Results', () => {
  it('names the user below Return-Path, above Received', () => {
    expect(mark('Return-Path: <a@b>\r\nReceived: x\r\n\r\n', 'tim')).toBe(
      'Return-Path: <a@b>\r\nAuthentication-Results: mx.test; auth=pass smtp.auth=tim\r\nReceived: x\r\n\r\n',
    );
    expect(mark('Subject: x\r\n\r\n', 'tim')).toMatch(/^Authentication-Results: /);
  });

  it.each([
    'Authentication-Results: mx.test; auth=pass',
    'authentication-results : MX.Test 1; auth=pass',
    'Authentication-Results:\r\n\t(hi) "mx.test"; auth=pass',
    'Authentication-Results: mta.test; none',
    'Authentication-Results: ((a) b) mx.test; auth=pass',
    'Authentication-Results:',
  ])('takes off %j', (forged) => {
    expect(mark(`To: a\r\n${forged}\r\nSubject: x\r\n\r\n`)).toBe('To: a\r\nSubject: x\r\n\r\n');
  });

  it('leaves those of others, and headers it has nothing to do with untouched', () => {
    const block = 'Authentication-Results: mx.test.example; spf=pass\r\nSubject: authentication-results: mx.test\r\n\r\n';
    expect(mark(block)).toBe(block);
    const headers = new Headers(Buffer.from('Subject: x\r\n\r\n'));
    expect(markLogin(headers, 'mx.test', NAMES, undefined)).toBe(headers);
  });

  it('quotes what is no plain name, and lets nothing break out', () => {
    expect(formatLogin('mx.test', 'a "b"\r\nX: y')).toBe('Authentication-Results: mx.test; auth=pass smtp.auth="a \\"b\\"??X: y"\r\n');
  });
});
