import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Headers } from '../../src/mail/headers.js';
import { needs } from '../../test/needs.js';
import { BodyHash } from './body-hash.js';
import type { Canon } from './canon.js';
import { parseHeaderList } from './headerlist.js';
import type { DigestName } from './keys.js';
import { formSignature, type Recipe } from './signature.js';

const MESSAGES = Number(process.env.DKIM_MESSAGES ?? 200);
const DOMAIN = 'signer.test';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed25519 = generateKeyPairSync('ed25519');
const records = new Map([
  [`r1._domainkey.${DOMAIN}`, `v=DKIM1; k=rsa; p=${rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`],
  // RFC 8463 4: the bare key, which is the end of its DER form.
  [
    `e1._domainkey.${DOMAIN}`,
    `v=DKIM1; k=ed25519; p=${ed25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')}`,
  ],
]);

interface Case {
  readonly fields: readonly string[];
  readonly body: string;
  readonly digest: DigestName;
  readonly headerCanon: Canon;
  readonly bodyCanon: Canon;
  readonly headerlist: string;
  readonly limit: number | undefined;
  readonly lifetime: number | undefined;
  readonly copies: boolean;
  readonly identity: string | undefined;
}

const canon = fc.constantFrom<Canon>('simple', 'relaxed');
const field = fc.constantFrom(
  'To: bob@other.test\r\n',
  'Subject: plain\r\n',
  'Subject:   much \t  room   \r\n',
  'subject: folded\r\n\tover several\r\n   lines \r\n',
  'SUBJECT:no room\r\n',
  'Subject: caf\xc3\xa9 in octets\r\n',
  'Message-ID: <1@a.test>\r\n',
  'Received: from a\r\n\tby b; now\r\n',
  'Received: from b by c\r\n',
  'X-Pipe: a|b=c;d:e "quoted"\r\n',
  'X-Empty:\r\n',
  `X-Long: ${'word '.repeat(150)}end\r\n`,
);
const line = fc.constantFrom(
  'text',
  ' leading',
  'trailing \t ',
  'a  b\t\tc',
  '.',
  '..dots',
  '',
  '',
  ' ',
  '\t',
  'caf\xc3\xa9',
  '\xff\xfe',
  '-- ',
  'x'.repeat(900),
);
const cases = fc.record<Case>({
  fields: fc.array(field, { maxLength: 8 }),
  body: fc.array(line, { maxLength: 12 }).map((lines) => lines.map((l) => `${l}\r\n`).join('')),
  digest: fc.constantFrom<DigestName>('rsa-sha256', 'rsa-sha256', 'ed25519-sha256', 'rsa-sha1'),
  headerCanon: canon,
  bodyCanon: canon,
  headerlist: fc.constantFrom(
    'From:To?:Subject?:Date:Message-ID?',
    'From:From:Subject:Subject:Date:To*:Received*',
    'From:Received+:X-Pipe+:X-Long?:X-Empty?:Subject*:Missing:Other?',
  ),
  // Not below 2: Mail::DKIM and mailauth take l=0 for no limit, and Mail::DKIM hashes the whole line end of an empty body whatever l= says.
  limit: fc.option(fc.integer({ min: 2, max: 2000 }), { nil: undefined, freq: 3 }),
  lifetime: fc.option(fc.constant(3600 * 24), { nil: undefined }),
  copies: fc.boolean(),
  identity: fc.constantFrom(undefined, `@${DOMAIN}`, `"odd user; x"@mail.${DOMAIN}`),
});

interface Signed {
  readonly one: Case;
  readonly bytes: Buffer;
}

async function signCase(one: Case, now: number): Promise<Signed> {
  const block = Buffer.from(
    `From: Alice <alice@${DOMAIN}>\r\nDate: Mon, 23 Nov 2026 00:10:00 +0000\r\n${one.fields.join('')}\r\n`,
    'latin1',
  );
  const body = Buffer.from(one.body, 'latin1');
  const headers = new Headers(block);
  headers.prepend('DKIM-Signature', await signBytes(one, headers, body, now));
  return { one, bytes: Buffer.concat([headers.bytes(), body]) };
}

function signBytes(one: Case, headers: Headers, body: Buffer, now: number): Promise<string> {
  const hash = new BodyHash(one.digest === 'rsa-sha1' ? 'sha1' : 'sha256', one.bodyCanon, one.limit);
  hash.push(body);
  const mentions = parseHeaderList(one.headerlist);
  if (typeof mentions === 'string') throw new Error(mentions);
  const isRsa = one.digest !== 'ed25519-sha256';
  const key: KeyObject = isRsa ? rsa.privateKey : ed25519.privateKey;
  const recipe: Recipe = {
    domain: DOMAIN,
    selector: isRsa ? 'r1' : 'e1',
    digest: one.digest,
    headerCanon: one.headerCanon,
    bodyCanon: one.bodyCanon,
    headers: mentions,
    identity: one.identity,
    lifetimeSeconds: one.lifetime,
    limitsBody: one.limit !== undefined,
    copiesHeaders: one.copies,
  };
  return formSignature(recipe, key, headers.fields(), hash.finish(), now);
}

let folder = '';
const seconds = () => Math.floor(Date.now() / 1000);
const signed: Signed[] = [];
/** The same messages with one octet of the header block or the body changed. */
const spoilt: Signed[] = [];

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-dkim-'));
  fs.writeFileSync(path.join(folder, 'records'), [...records].map(([name, text]) => `${name}\t${text}\n`).join(''));
  for (const one of fc.sample(cases, { seed: Number(process.env.DKIM_SEED ?? 20261123), numRuns: MESSAGES })) {
    const made = await signCase(one, seconds() - 5);
    signed.push(made);
    spoilt.push({ one, bytes: spoil(made) });
  }
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Changes a signed field, or a letter of the body that l= covers. */
function spoil({ one, bytes }: Signed): Buffer {
  const changed = Buffer.from(bytes);
  const start = bytes.indexOf('\r\n\r\n') + 4;
  const letter = bytes.indexOf('text', start);
  const inBody = letter >= 0 && one.limit === undefined;
  const at = inBody ? letter : bytes.indexOf('Alice <');
  changed[at] = (changed[at] ?? 0) ^ 0x03;
  return changed;
}

/** Runs a judge over all messages; answers its results in order. */
function ask(command: string, script: string, messages: readonly Signed[]): string[] {
  const files = messages.map(({ bytes }, i) => {
    const file = path.join(folder, `${i}.eml`);
    fs.writeFileSync(file, bytes);
    return file;
  });
  const ran = spawnSync(command, [path.join(import.meta.dirname, 'judges', script), path.join(folder, 'records'), ...files], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(ran.stderr).toBe('');
  return ran.stdout.trimEnd().split('\n');
}

const explain = ({ one }: Signed, said: string): string => `${said}\n${JSON.stringify(one)}`;

needs('libmail-dkim-perl')('Mail::DKIM judges', () => {
  // Debian's build knows RSA only.
  const isRsa = ({ one }: Signed) => one.digest !== 'ed25519-sha256';

  it('every signature is good', () => {
    const mine = signed.filter(isRsa);
    for (const [i, said] of ask('perl', 'verify.pl', mine).entries())
      expect(said, explain(mine[i] as Signed, said)).toMatch(/\tpass\t.*=pass$/);
    expect(mine.length).toBeGreaterThan(MESSAGES / 2);
  });

  it('no changed message is', () => {
    const mine = spoilt.filter(isRsa);
    for (const [i, said] of ask('perl', 'verify.pl', mine).entries()) expect(said, explain(mine[i] as Signed, said)).toMatch(/\tfail\t/);
  });
});

needs('python3-dkim')('python3-dkim judges', () => {
  it('every signature is good', () => {
    for (const [i, said] of ask('/usr/bin/python3', 'verify.py', signed).entries())
      expect(said, explain(signed[i] as Signed, said)).toMatch(/\tpass\t.*=pass$/);
  });

  it('no changed message is', () => {
    for (const [i, said] of ask('/usr/bin/python3', 'verify.py', spoilt).entries())
      expect(said, explain(spoilt[i] as Signed, said)).toMatch(/\tfail\t/);
  });
});

describe('mailauth judges', () => {
  const verify = async ({ bytes }: Signed) => {
    const { results } = await dkimVerify(bytes, {
      resolver: async (name: string) => {
        const text = records.get(name);
        if (text === undefined) throw Object.assign(new Error('no record'), { code: 'ENOTFOUND' });
        return [[text]];
      },
    });
    return results.map(({ status }) => `${status.result} ${status.comment ?? ''} ${status.policy ? JSON.stringify(status.policy) : ''}`);
  };

  it('every signature is good', async () => {
    for (const one of signed) {
      const said = await verify(one);
      expect(said, explain(one, said.join())).toEqual([expect.stringMatching(/^pass/)]);
    }
  });

  it('no changed message is', async () => {
    for (const one of spoilt) {
      const said = await verify(one);
      expect(said, explain(one, said.join())).toEqual([expect.not.stringMatching(/^pass/)]);
    }
  });
});
