/** Dovecot as an authentication server for Postfix, on a socket in a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { programPath } from '../programs.js';
import { makePlace } from './place.js';

/** Starts it with the passwords of these users; resolves when its socket is there. Tokens are asked about (RFC 7662) at a port of ours where one is given. */
export async function startDovecot(passwords: Readonly<Record<string, string>>, introspectionPort?: number) {
  const { dir } = await makePlace('celeris-dovecot');
  const at = (name: string): string => path.join(dir, name);
  fs.writeFileSync(
    at('users'),
    `${Object.entries(passwords)
      .map(([user, secret]) => `${user}:{PLAIN}${secret}`)
      .join('\n')}\n`,
    { mode: 0o644 },
  );
  fs.writeFileSync(
    at('dovecot.conf'),
    [
      `base_dir = ${at('run')}`,
      `state_dir = ${at('state')}`,
      `log_path = ${at('dovecot.log')}`,
      'protocols =',
      'ssl = no',
      'disable_plaintext_auth = no',
      'auth_failure_delay = 0',
      `auth_mechanisms = plain login cram-md5 scram-sha-256${introspectionPort === undefined ? '' : ' xoauth2'}`,
      ...(introspectionPort === undefined ? [] : [`passdb {\n  driver = oauth2\n  mechanisms = xoauth2\n  args = ${at('oauth2.conf')}\n}`]),
      `passdb {\n  driver = passwd-file\n  args = ${at('users')}\n}`,
      'userdb {\n  driver = static\n  args = uid=nobody gid=nogroup home=/nonexistent\n}',
      `service auth {\n  unix_listener ${at('auth.sock')} {\n    mode = 0666\n  }\n}`,
      'service stats {\n  unix_listener stats-writer {\n    mode = 0666\n  }\n}',
      '',
    ].join('\n'),
  );
  fs.writeFileSync(
    at('oauth2.conf'),
    [
      'introspection_mode = post',
      `introspection_url = http://127.0.0.1:${introspectionPort}/introspect`,
      'username_attribute = username',
      'active_attribute = active',
      'active_value = true',
      '',
    ].join('\n'),
  );
  const child: ChildProcess = spawn(programPath('dovecot'), ['-F', '-c', at('dovecot.conf')], { stdio: 'ignore' });
  const gone = new Promise<void>((done) => child.once('close', () => done()));
  for (let tries = 0; !fs.existsSync(at('auth.sock')); tries++) {
    if (tries > 500)
      throw new Error(fs.existsSync(at('dovecot.log')) ? fs.readFileSync(at('dovecot.log'), 'utf8') : 'Dovecot does not start');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    socket: at('auth.sock'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await gone;
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}
