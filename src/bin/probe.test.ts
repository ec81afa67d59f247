import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Subject } from '../tools/probe/case.js';
import { findVersion } from '../tools/probe/cases/disclosure.js';
import { matrix } from '../tools/probe/cases/index.js';
import { findObstacle, type Row } from '../tools/probe/probe.js';
import { renderTable, tame } from '../tools/probe/table.js';
import { readPlace } from './probe.js';

const subject = (more: Partial<Subject> = {}): Subject => ({
  sender: '',
  recipient: 'r@one.test',
  helo: '[127.0.0.1]',
  mark: 'abcd',
  banner: '220 x',
  keywords: new Map([
    ['SIZE', '1000'],
    ['CHUNKING', ''],
    ['STARTTLS', ''],
  ]),
  isEncrypted: false,
  ...more,
});

describe('the matrix', () => {
  it('has a name for each case, and a reference', () => {
    expect(new Set(matrix.map(({ id }) => id)).size).toBe(matrix.length);
    for (const { id, reference, input } of matrix) {
      expect(id).toMatch(/^[a-z0-9-]+$/);
      expect(reference).not.toBe('');
      expect(input).toMatch(/^[\x20-\x7e]+$/);
    }
  });

  it('names nobody but the recipient, and hosts that cannot exist', () => {
    for (const probe of matrix) {
      const bytes = probe
        .ways(subject())
        .flat()
        .map((move) => ('send' in move ? move.send : ''))
        .join('');
      for (const [, domain = ''] of bytes.matchAll(/[^\s"]@([a-z0-9.-]+)/gi))
        expect(domain, probe.id).toMatch(/^(one\.test|b|\w+\.invalid|celeris-probe\.invalid)$/);
    }
  });

  it('stands in the guide, line by line', () => {
    const guide = fs.readFileSync(path.join(import.meta.dirname, '../../docs/guide/hardening.md'), 'utf8');
    const named = [...guide.matchAll(/^\| (?:`` ?|`)?(.*?)(?: ?``|`)? \| (?:refuses|safe|accepts|\*\*splits\*\*) \|/gm)].map(
      ([, input]) => input,
    );
    expect(named.slice(0, matrix.length)).toEqual(matrix.map(({ input }) => input));
  });

  it('counts chunks rightly, dots and all', () => {
    const probe = matrix.find(({ id }) => id === 'dot-in-chunk');
    const [move] = probe?.ways(subject())[0] ?? [];
    const bytes = move && 'send' in move ? move.send : '';
    const [first = '', octets = ''] = /^BDAT (\d+) LAST\r\n/.exec(bytes) ?? [];
    expect(bytes.length - first.length).toBe(Number(octets));
    expect(bytes).toMatch(/\r\n\.\r\nNOOP\r\n$/);
  });
});

describe('findObstacle', () => {
  const needing = (id: string) => {
    const probe = matrix.find((one) => one.id === id);
    if (!probe) throw new Error(id);
    return probe;
  };

  it('tells what is not offered, and what needs a recipient', () => {
    const bare = { subject: subject({ keywords: new Map(), recipient: '' }), mailTrouble: 'needs --recipient' };
    expect(findObstacle(needing('dot-in-chunk'), bare, { tlsOnly: false })?.why).toBe('CHUNKING is not offered');
    expect(findObstacle(needing('end-lf-dot-lf'), bare, { tlsOnly: false })).toMatchObject({
      verdict: 'unclear',
      why: 'needs --recipient',
    });
    expect(findObstacle(needing('bare-lf'), bare, { tlsOnly: false })).toBeUndefined();
    // Behind STARTTLS nobody offers it again.
    expect(findObstacle(needing('starttls-twice'), bare, { tlsOnly: true })).toBeUndefined();
  });
});

describe('findVersion', () => {
  it('knows a version from codes and addresses', () => {
    expect(findVersion('220 mx.test ESMTP Celeris 0.1.0 Mon')).toBe('0.1.0');
    expect(findVersion('214-2.0.0 This is Sendmail version 8.17.2\n214 2.0.0 End')).toBe('8.17.2');
    expect(findVersion('220 mx.test ESMTP [192.0.2.1] 10.0.0.1\n502 5.5.2 no')).toBeUndefined();
  });
});

describe('the table', () => {
  const row: Row = {
    id: 'a',
    group: 'commands',
    input: 'x',
    reference: 'RFC 1',
    answer: '250 \x1b[31mred',
    verdict: 'splits',
    why: 'read twice',
    isUnsafe: true,
  };

  it('shows nothing of a server as it was', () => {
    const text = renderTable({ banner: '220 \x1b]0;title\x07', rows: [row], seconds: 1 });
    expect(text).not.toMatch(/[^\x20-\x7e\n]/);
    expect(text).toContain('250 ?[31mred');
    expect(text).toMatch(/splits UNSAFE +read twice \(RFC 1\)/);
    expect(text.endsWith('1 cases in 1.0 s: 1 splits. 1 unsafe.')).toBe(true);
    expect(tame('abcdef', 4)).toBe('abc~');
  });
});

describe('readPlace', () => {
  it('reads names and addresses, with port 25 where there is none', () => {
    expect(readPlace('mx.test:2525')).toEqual({ host: 'mx.test', port: 2525 });
    expect(readPlace('[::1]:25')).toEqual({ host: '::1', port: 25 });
    expect(readPlace('192.0.2.1')).toEqual({ host: '192.0.2.1', port: 25 });
    for (const bad of ['', ':25', 'a:0', 'a:70000', 'a b:25', '::1:25', 'a:x']) expect(readPlace(bad), bad).toBeUndefined();
  });
});
