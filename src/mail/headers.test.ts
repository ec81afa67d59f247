import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { formatDate } from './date.js';
import { Facts } from './facts.js';
import { formatField, Headers } from './headers.js';
import { beginsWithField, countReceived, repairLineEnds } from './message-scan.js';
import { formatTrace, nameProtocol, sanitizeName } from './received.js';
import { formatOneLine, formatWire, parseOneLine, reply } from './reply.js';
import { stuffDots } from './stuff.js';

const block = Buffer.from('From: a@b.test\r\nSubject: one\r\n two\r\nX-A: 1\r\nx-a: 2\r\n\r\n');

describe('Headers', () => {
  it('gives back the same Buffer while nothing changed, even after it was read', () => {
    const headers = new Headers(block);
    expect(headers.get('subject')).toBe('one two');
    expect(headers.all('X-A')).toEqual(['1', '2']);
    expect(headers.has('date')).toBe(false);
    expect(headers.bytes()).toBe(block);
  });

  it('changes fields and keeps the rest as it was', async () => {
    const headers = new Headers(block);
    headers.prepend('Received', 'from x\r\n\tby y');
    headers.append('Date', 'now');
    headers.replace('X-A', '3');
    headers.remove('nothing');
    expect(headers.bytes().toString()).toBe(
      'Received: from x\r\n\tby y\r\nFrom: a@b.test\r\nSubject: one\r\n two\r\nX-A: 3\r\nDate: now\r\n\r\n',
    );
    headers.remove('received');
    expect(headers.get('received')).toBeUndefined();
    headers.replace('X-New', 'y');
    const parsed = await simpleParser(Buffer.concat([headers.bytes(), Buffer.from('body')]));
    expect(parsed.subject).toBe('one two');
    expect(parsed.headers.get('x-new')).toBe('y');
  });

  it('prepends without reading, on any block', () => {
    const headers = new Headers(block);
    headers.prepend('B', '2');
    headers.prepend('A', '1');
    expect(headers.bytes().toString().startsWith('A: 1\r\nB: 2\r\nFrom:')).toBe(true);
    const empty = new Headers(Buffer.alloc(0));
    empty.prepend('A', '1');
    expect(empty.bytes().toString()).toBe('A: 1\r\n\r\n');
    expect(empty.clone().get('a')).toBe('1');
  });

  it('lets no value break out of its field', () => {
    expect(formatField('A', 'x\r\nBcc: evil@x.test\r\n\r\nbody')).toBe('A: x Bcc: evil@x.test  body\r\n');
    expect(() => formatField('A\r\nB', 'x')).toThrow(TypeError);
  });

  it('keeps lines that are no fields', () => {
    const odd = Buffer.from('no field here\r\nFrom: a\r\n\r\n');
    const headers = new Headers(odd);
    headers.append('Z', '1');
    expect(headers.bytes().toString()).toBe('no field here\r\nFrom: a\r\nZ: 1\r\n\r\n');
  });
});

describe('small formats', () => {
  it('counts Received and nothing like it', () => {
    expect(countReceived(Buffer.from('Received: a\r\n\tReceived: no\r\nReceived-SPF: x\r\nreceived: b\r\n\r\n'))).toBe(2);
    expect(beginsWithField(block)).toBe(true);
    expect(beginsWithField(Buffer.from('Hello world\r\n'))).toBe(false);
    expect(repairLineEnds(Buffer.from('a\nb\rc\r\n')).toString()).toBe('a\r\nb\r\nc\r\n');
    expect(repairLineEnds(block)).toBe(block);
  });

  it('stuffs dots at line starts, across chunks', () => {
    const chunks = ['.a\r\n', '..b', '\r\n', '.\r\nx.y'].map((s) => Buffer.from(s));
    expect(Buffer.concat(stuffDots(chunks)).toString()).toBe('..a\r\n...b\r\n..\r\nx.y');
  });

  it('writes and reads replies', () => {
    const two = reply(550, '5.7.1', 'one\ntwo');
    expect(formatWire(two)).toBe('550-5.7.1 one\r\n550 5.7.1 two\r\n');
    expect(formatWire(reply(250, '2.0.0', 'ok'), false)).toBe('250 ok\r\n');
    expect(formatOneLine(two)).toBe('550 5.7.1 one two');
    expect(parseOneLine('451 4.3.0 later')).toEqual({ code: 451, status: '4.3.0', text: 'later' });
    expect(parseOneLine('250 fine')).toEqual({ code: 250, status: '', text: 'fine' });
    expect(parseOneLine('nonsense')).toBeUndefined();
  });

  it('writes trace fields that a peer cannot break', () => {
    const trace = {
      ip: '2001:db8::1',
      port: 99,
      helo: 'evil)\r\nX: y (',
      host: 'mx.test',
      sender: 'a@b.test',
      product: 'Celeris 1',
      protocol: 'ESMTP',
      id: 'ID',
      date: 'D',
    };
    const text = formatTrace(trace);
    expect(text).toContain(
      'Received: from [2001:db8::1] ([[2001:db8::1]:99] helo=evil???X:?y??)\r\n\tby mx.test (envelope-from <a@b.test>)',
    );
    expect(new Headers(Buffer.from(`${text}\r\n`)).fields().map(({ name }) => name)).toEqual(['return-path', 'received']);
    expect(text).toContain('id ID; D');
    expect(formatTrace({ ...trace, priority: -3 })).toContain('id ID\r\n\tPRIORITY -3; D');
    expect(sanitizeName('host.test')).toBe('host.test');
    expect(nameProtocol('esmtp', true, true, false)).toBe('ESMTPSA');
    expect(nameProtocol('lmtp', false, false, true)).toBe('UTF8LMTP');
    expect(nameProtocol('smtp', false, false, false)).toBe('SMTP');
  });

  it('writes dates in any zone', () => {
    expect(formatDate(Date.UTC(2026, 10, 23, 0, 10, 5))).toBe('Mon, 23 Nov 2026 00:10:05 +0000');
    expect(formatDate(Date.UTC(2026, 10, 23, 0, 10, 5), -330)).toBe('Sun, 22 Nov 2026 18:40:05 -0530');
  });

  it('keeps facts through octets', () => {
    const facts = new Facts();
    expect(facts.size + facts.encode().length).toBe(0);
    facts.set('k', 'wört');
    facts.set('__proto__', 'x');
    const again = Facts.decode(facts.encode());
    expect([...again]).toEqual([
      ['k', 'wört'],
      ['__proto__', 'x'],
    ]);
    const copy = again.clone();
    copy.delete('k');
    expect([again.has('k'), copy.has('k')]).toEqual([true, false]);
    copy.clear();
    expect([...copy]).toEqual([]);
    expect(() => Facts.decode(facts.encode().subarray(0, 9))).toThrow(RangeError);
  });
});
