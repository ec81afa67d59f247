import { describe, expect, it } from 'vitest';
import { makeCopies } from '../../../test/fixtures/copies.js';
import type { Reception } from '../../module/message.js';
import { formatXclient, originOf } from './xclient.js';

const receptionOf = (protocol: Reception['protocol']) => makeCopies(['a@b.test'], { reception: { protocol } })[0]?.reception as Reception;
const from = (more: Partial<Reception>) => originOf({ ...receptionOf('esmtp'), ...more });
const ALL = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT'];

describe('XCLIENT', () => {
  it('says what is known and marks what is not', () => {
    expect(formatXclient(from({ helo: 'client.test', user: 'ann' }), ALL)).toEqual([
      'XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.1 HELO=client.test LOGIN=ann PROTO=ESMTP\r\n',
    ]);
    const generated = { ...from({}), ip: undefined, protocol: undefined };
    expect(originOf(receptionOf('internal')).protocol).toBeUndefined();
    expect(formatXclient(generated, ALL)).toEqual([
      'XCLIENT NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] HELO=[UNAVAILABLE] LOGIN=[UNAVAILABLE]\r\n',
    ]);
  });

  it('marks IPv6, and sends nothing that the server does not take', () => {
    expect(formatXclient(from({ source: { ip: '2001:db8::1', port: 1 } }), ['ADDR', 'PORT'])).toEqual([
      'XCLIENT ADDR=IPV6:2001:db8::1\r\n',
    ]);
    expect(formatXclient(from({}), ['PORT', 'DESTADDR'])).toEqual([]);
  });

  it('lets no value break the line, and no line grow too long', () => {
    const evil = formatXclient(from({ helo: 'a b\r\nQUIT', user: 'x=+é' }), ALL);
    expect(evil).toEqual(['XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.1 HELO=a+20b+0D+0AQUIT LOGIN=x+3D+2B+C3+A9 PROTO=ESMTP\r\n']);
    const long = formatXclient(from({ helo: 'h'.repeat(250), user: 'u'.repeat(250) }), ALL);
    expect(long).toHaveLength(2);
    for (const line of long) expect(line.length).toBeLessThanOrEqual(512);
    expect(formatXclient(from({ helo: 'h'.repeat(300) }), ['HELO'])).toEqual(['XCLIENT HELO=[UNAVAILABLE]\r\n']);
  });

  it('calls origins equal that say the same, whatever the port', () => {
    expect(from({ source: { ip: '192.0.2.1', port: 1 } }).key).toBe(from({ source: { ip: '192.0.2.1', port: 2 } }).key);
    for (const other of [{ source: { ip: '192.0.2.2', port: 1 } }, { helo: 'x' }, { user: 'u' }, { protocol: 'smtp' as const }])
      expect(from(other).key).not.toBe(from({}).key);
  });
});
