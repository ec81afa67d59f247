/** Schemes of modules in the parameters of AUTH: where they fit, and where they are refused. */
import { describe, expect, it } from 'vitest';
import { configureText } from './configure.js';
import type { ModuleManifest } from './manifest.js';

const proxy: ModuleManifest = { name: 'proxy', options: {}, offers: { auth: ['proxy'] } };

async function problemsOf(options: string, module = 'proxy {}') {
  const text = `esmtp_listener {\n listen ":25" {\n${options}\n}\n}\n${module}`;
  const { problems } = await configureText(text, { manifests: [proxy], unread: new Set() });
  return problems.map(({ severity, line, say }) => `${severity} ${line} ${say}`);
}

describe('a scheme of a module', () => {
  it('checks what clients show', async () => {
    expect(
      await problemsOf(
        'authplainparameters = [ uri = "proxy://" ] authloginparameters = [ uri = "PROXY://" ] authoauthparameters = [ uri = "proxy://x" ]',
      ),
    ).toEqual([]);
  });

  it.each([
    ['authcrammd5parameters', 'CRAM-MD5'],
    ['authdigestmd5parameters', 'DIGEST-MD5'],
    ['authscramparameters', 'SCRAM-SHA-256'],
  ])('cannot check %s', async (option, mechanism) => {
    expect(await problemsOf(`${option} = [ uri = "proxy://" ]`)).toEqual([
      `error 3 ${mechanism} never shows the password, so "proxy://" cannot check it.`,
    ]);
  });

  it('needs the stanza of its module', async () => {
    expect(await problemsOf('authplainparameters = [ uri = "proxy://" ]', '')).toEqual([
      'error 3 "proxy://" is checked by module proxy, which has no stanza.',
    ]);
  });

  it('is none of its business otherwise', async () => {
    expect(await problemsOf('authcrammd5parameters = [ uri = "file:///x" ] authplainparameters = [ uri = "other://" ]')).toEqual([]);
    expect(await problemsOf('authcrammd5parameters = [ realm = "x" ]')).toEqual([]);
  });
});
