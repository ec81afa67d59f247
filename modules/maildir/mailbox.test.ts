/** Recipients become one plain folder below basedir, or nothing. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address } from '#module';
import { findMailbox, type Naming } from './mailbox.js';
import { makeNames } from './names.js';

const naming: Naming = { basedir: '/var/mail', domainInPath: false, lowercase: true, separator: '+' };
const find = (local: string, more: Partial<Naming> = {}, domain = 'box.test') =>
  findMailbox(new Address(local, domain), { ...naming, ...more });

describe('findMailbox', () => {
  it.each([
    ['ann', {}, '/var/mail/ann'],
    ['Ann', {}, '/var/mail/ann'],
    ['Ann', { lowercase: false }, '/var/mail/Ann'],
    ['ann+lists', {}, '/var/mail/ann'],
    ['ann+lists', { separator: '' }, '/var/mail/ann+lists'],
    ['ann--lists', { separator: '--' }, '/var/mail/ann'],
    ['+ann', {}, '/var/mail/+ann'],
    ['"ann"', {}, '/var/mail/ann'],
    ['"ann smith"', {}, '/var/mail/ann smith'],
    ['a.b', {}, '/var/mail/a.b'],
    ['ann', { domainInPath: true }, '/var/mail/box.test/ann'],
    ['\u00e9va', {}, '/var/mail/\u00e9va'],
  ])('%s with %j', (local, more, folder) => expect(find(local, more)?.folders.at(-1)).toBe(folder));

  it.each([
    '"../../etc"',
    '"a/b"',
    '..',
    'a..b',
    '.ann',
    '"."',
    '""',
    '"/"',
    '"ann/../bob"',
    '"a\\/b"',
    'a\0b',
    '"a\u0007"',
    'x'.repeat(256),
    'a\ufffdb',
    '..+x',
  ])('refuses %j', (local) => expect(find(local)).toBeUndefined());

  it.each(['', '..', '.test', 'a/b'])('refuses the domain %j where it is a folder', (domain) => {
    expect(find('ann', { domainInPath: true }, domain)).toBeUndefined();
    expect(find('ann', {}, domain)).toBeDefined();
  });

  it.each([
    ['ann+lists', 'lists'],
    ['ann', undefined],
    ['ann+', undefined],
    ['ann+a.b', undefined],
    ['ann+.x', undefined],
  ])('the detail of %s is %j', (local, detail) => expect(find(local)?.detail).toBe(detail));

  it('never leaves basedir, whatever anybody writes', () => {
    const letters = fc.string({ unit: fc.constantFrom('.', '/', '\\', '"', '+', 'a', 'B', '\0', '~', '\u2025', '\u212a'), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(letters, fc.string()), letters, fc.boolean(), (local, domain, domainInPath) => {
        const found = find(local, { domainInPath }, domain);
        if (!found) return;
        const relative = path.relative('/var/mail', found.folders.at(-1) ?? '');
        const parts = relative.split('/');
        expect(parts).toHaveLength(domainInPath ? 2 : 1);
        for (const part of parts) expect(part === '' || part.startsWith('.')).toBe(false);
        if (found.detail !== undefined) expect(found.detail).not.toMatch(/[/.\0]/);
      }),
    );
  });
});

describe('names', () => {
  it('are of time, process, number and host, and never twice', () => {
    const next = makeNames(() => 1_700_000_000_123, 42, 'mx/1:a.test');
    expect(next()).toBe('1700000000.M123000P42Q1.mx\\0571\\072a.test');
    expect(new Set(Array.from({ length: 1000 }, next)).size).toBe(1000);
  });
});
