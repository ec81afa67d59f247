/** The probe against servers whose answers are known: our own daemon, Debian's Postfix, and one with every mistake in it. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProbeReport, Row } from '../../src/tools/probe/probe.js';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { startPostfix } from '../bench/postfix.js';
import { mainFile, startDaemon } from '../harness/daemon.js';
import { startNaiveServer } from '../harness/naive-server.js';
import { makePlace, type Place, plainConf } from '../harness/place.js';
import { type Run, runProgram } from '../harness/program.js';
import { needs } from '../needs.js';

const RECIPIENT = 'probed@one.test';

const runProbe = (port: number, words: readonly string[] = []): Promise<Run> =>
  runProgram(process.execPath, [mainFile(), 'probe', `127.0.0.1:${port}`, ...words], { timeoutMs: 90_000 });

async function report(port: number, words: readonly string[] = []): Promise<ProbeReport & { readonly status: number | undefined }> {
  const { status, stdout, stderr } = await runProbe(port, ['--json', ...words]);
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as ProbeReport), status };
}

const verdicts = (rows: readonly Row[]): Record<string, string> => Object.fromEntries(rows.map(({ id, verdict }) => [id, verdict]));
const idsOf = (rows: readonly Row[], verdict: Row['verdict']): string[] =>
  rows.filter((row) => row.verdict === verdict).map(({ id }) => id);

const LINE_END_FORMS = [
  'end-lf-dot-lf',
  'end-lf-dot-crlf',
  'end-lf-dot-cr',
  'end-cr-dot-cr',
  'end-cr-dot-lf',
  'end-cr-dot-crlf',
  'end-crlf-dot-lf',
  'end-crlf-dot-cr',
  'end-crlf-dot-crcrlf',
  'end-crcrlf-dot-crcrlf',
];
/** What Postfix takes for an end of a message unless `smtpd_forbid_bare_newline` says otherwise, as it does from 3.9 on. */
const POSTFIX_ENDS = ['end-lf-dot-lf', 'end-lf-dot-crlf', 'end-crlf-dot-lf', 'end-crlf-dot-crcrlf', 'end-crcrlf-dot-crcrlf'];

/** A key and a certificate in one folder. */
function makeCertificate(dir: string): { readonly key: string; readonly certificate: string } {
  const [key, certificate] = [path.join(dir, 'mx.key'), path.join(dir, 'mx.crt')];
  const how = ['-subj', '/CN=probed.test', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', ...how, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  return { key, certificate };
}

let sink: Sink;
beforeAll(async () => {
  sink = await startSink();
});
afterAll(() => sink.close());

/** Everything that came through is marked, and went where it was sent. */
function expectOnlyProbes(from: number): void {
  for (const { to, raw } of sink.received.slice(from)) {
    expect(to).toEqual([RECIPIENT]);
    expect(raw.toString('latin1')).toMatch(/\r\nX-Celeris-Probe: [0-9a-f]{8}\r\n/);
  }
}

describe('the probe against Celeris', { timeout: 120_000 }, () => {
  // Few errors are enough here, so that nobody waits for ten delays of a second.
  const conf = (place: Place): string => {
    const { key, certificate } = makeCertificate(place.dir);
    const listener = `ESMTP_Listener { tls_certificate = "${certificate}" tls_key = "${key}" soft_errors = 3 hard_errors = 5 junk_commands = 30`;
    return plainConf(place, { sinkPort: sink.port }).replace('ESMTP_Listener {', listener);
  };

  it('finds nothing unsafe, and tells what Celeris does not keep from anybody', async () => {
    await using daemon = await startDaemon({ conf });
    const before = sink.received.length;
    const { rows, status } = await report(daemon.port, ['--recipient', RECIPIENT]);
    expect(status).toBe(0);
    expect(idsOf(rows, 'splits')).toEqual([]);
    expect(idsOf(rows, 'unclear')).toEqual([]);
    // 127.0.0.1 may relay, no banner is delayed, and the version is no secret.
    expect(idsOf(rows, 'accepts')).toEqual(['relay', 'early-talker', 'version']);
    expect(rows.filter(({ group, verdict }) => group === 'end of data' && verdict === 'refuses')).toHaveLength(12);
    await sink.waitFor(before + 3);
    expectOnlyProbes(before);
    expect(daemon.fileLines('paniclog.ec')).toEqual([]);
  });

  it('sends nothing without --recipient, and goes over TLS when told to', async () => {
    await using daemon = await startDaemon({ conf });
    const before = sink.messages;
    const { rows, status } = await report(daemon.port, ['--tls-only', '--only', 'end-of-data,starttls,auth,sequence']);
    expect(status).toBe(0);
    expect(new Set(rows.filter(({ group }) => group === 'end of data').map(({ why }) => why))).toEqual(new Set(['needs --recipient']));
    expect(verdicts(rows)).toMatchObject({ 'starttls-injection': 'safe', 'auth-in-clear': 'safe', 'nested-mail': 'refuses' });
    expect(sink.messages).toBe(before);
  });
});

describe('the probe against others', { timeout: 120_000 }, () => {
  it('calls a server unsafe that splits', async () => {
    await using server = await startNaiveServer();
    const { rows, status } = await report(server.port, ['--recipient', RECIPIENT]);
    expect(status).toBe(1);
    expect(idsOf(rows, 'splits')).toEqual([...LINE_END_FORMS, 'dot-in-chunk', 'refused-chunk', 'count-overflow', 'line-end-in-address']);
    expect(rows.filter(({ isUnsafe }) => isUnsafe)).toHaveLength(LINE_END_FORMS.length + 8);
    expect(server.messages.length).toBeGreaterThan(10);
  });

  it('says in its table which answer came to what', async () => {
    await using server = await startNaiveServer();
    const { stdout, status } = await runProbe(server.port, ['--recipient', RECIPIENT, '--only', 'end-of-data']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/\\n\.\\n inside a message, NOOP behind it +250 taken \/ 250 fine \/ 250 fine +splits UNSAFE +what followed/);
    expect(stdout).toMatch(/\n13 cases in [\d.]+ s: .* unsafe\.\n$/);
  });

  it('ends with 64 for nonsense, 68 for a name without address, 69 where nobody speaks SMTP', async () => {
    const probe = async (where: string, words: readonly string[] = []): Promise<number | undefined> =>
      (await runProgram(process.execPath, [mainFile(), 'probe', where, ...words])).status;
    expect(await probe('no port:here')).toBe(64);
    expect(await probe('127.0.0.1:25', ['--recipient', 'a>b@c.test'])).toBe(64);
    expect(await probe('127.0.0.1:25', ['--only', 'nothing'])).toBe(64);
    expect(await probe('nowhere.invalid:25')).toBe(68);
    expect(await probe(`127.0.0.1:${(await makePlace()).port}`)).toBe(69);
  });

  needs('postfix', 'openssl')('Postfix', () => {
    it.skipIf(process.getuid?.() !== 0)('as Debian ships it splits at bare LF, and at nothing else', { timeout: 120_000 }, async () => {
      const place = await makePlace('celeris-probe');
      const { key, certificate } = makeCertificate(place.dir);
      const postfix = await startPostfix(sink.port, [
        `smtpd_tls_cert_file = ${certificate}`,
        `smtpd_tls_key_file = ${key}`,
        'smtpd_tls_security_level = may',
        'smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination',
      ]);
      try {
        const before = sink.received.length;
        const { rows, status } = await report(postfix.port, ['--recipient', RECIPIENT]);
        const isLenient = (await runProgram('postconf', ['-d', '-h', 'smtpd_forbid_bare_newline'])).stdout.trim() === 'no';
        expect(idsOf(rows, 'splits')).toEqual(isLenient ? POSTFIX_ENDS : []);
        expect(status).toBe(isLenient ? 1 : 0);
        expect(idsOf(rows, 'unclear')).toEqual([]);
        expect(verdicts(rows)).toMatchObject({
          'end-stuffed-dot': 'safe',
          'starttls-injection': 'safe',
          'starttls-memory': 'refuses',
          'refused-chunk': 'refuses',
          'count-overflow': 'refuses',
          xclient: 'refuses',
        });
        expectOnlyProbes(before);
      } finally {
        await postfix.stop();
      }
    });
  });
});
