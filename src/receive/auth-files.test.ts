import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { PasswordFiles, parseDigests, parsePasswords } from './auth-files.js';
import { readUri } from './auth-store.js';

describe('password files', () => {
  it('hold a user and a password on each line', () => {
    const text = '# users\n\n  # more\nann:a:b#c \r\n bob:x\n:nobody\ncarl:\nann:later\n';
    expect([...parsePasswords(text)]).toEqual([
      ['ann', 'later'],
      ['bob', 'x'],
    ]);
    expect(parsePasswords('ann:a:b#c \r\n').get('ann')).toBe('a:b#c ');
  });

  it('of digests hold user, realm and hash', () => {
    const hash = 'A'.repeat(32);
    expect([...parseDigests(`tim:the realm:${hash}\ntim:x\n#a:b:${hash}\n`)]).toEqual([['tim:the realm', hash.toLowerCase()]]);
  });

  it('may hold anything without harm', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const user of parsePasswords(text).keys()) expect(user).not.toMatch(/:|\n/);
        parseDigests(text);
        readUri(text);
      }),
    );
  });

  it('are looked at every five seconds and read when they changed', async () => {
    const clock = new VirtualClock();
    const done: string[] = [];
    let text = 'a:1\n';
    let size = text.length;
    const files = new PasswordFiles({
      clock,
      stat: async () => {
        done.push('stat');
        return { mtimeMs: 1, size, ino: 1, mode: 0o644 };
      },
      read: async () => {
        done.push('read');
        return Buffer.from(text);
      },
      log: (level, said) => void done.push(`${level} ${said}`),
    });
    const ask = async (): Promise<readonly string[]> => [...(await files.entries('/pw', parsePasswords))].map(([user]) => user);
    expect(await Promise.all([ask(), ask()])).toEqual([['a'], ['a']]);
    await clock.advance(5000);
    expect(await ask()).toEqual(['a']);
    expect(done).toEqual(['stat', 'warning everybody on this machine can read the passwords in /pw', 'read', 'stat']);
    text = 'bob:2\n';
    size = text.length;
    await clock.advance(5000);
    expect(await ask()).toEqual(['bob']);
    size = 17 * 1024 * 1024;
    await clock.advance(5000);
    await expect(ask()).rejects.toMatchObject({ code: 'AUTH_FILE_TOO_LARGE' });
  });
});

describe('a uri', () => {
  it('has a scheme and a path with one slash', () => {
    expect(readUri('FILE:////etc/x')).toEqual({ scheme: 'file', path: '/etc/x' });
    expect(readUri('smtp_auth_proxy://')).toEqual({ scheme: 'smtp_auth_proxy', path: '' });
    expect(readUri('/etc/x')).toBeUndefined();
  });
});
