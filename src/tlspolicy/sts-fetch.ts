/** Fetches MTA-STS policies over HTTPS: verified, never redirected, 64 KiB at most, with one deadline for all of it (RFC 8461 3.3). */
import https from 'node:https';
import { type Answer, hasFailed } from '../dns/answer.js';
import type { HostAddress, Resolver } from '../dns/resolver.js';
import type { Clock } from '../kernel/clock.js';
import { withDeadline } from '../kernel/deadline.js';
import { isLocalIp } from '../kernel/ip-kind.js';
import type { TlsFault } from '../module/tls-demand.js';
import { parseStsPolicy, type StsPolicy } from './sts-policy.js';

export type Fetched =
  | { readonly kind: 'policy'; readonly policy: StsPolicy; readonly text: string }
  | { readonly kind: 'failed'; readonly fault: TlsFault; readonly why: string };

export interface FetchMeans {
  readonly clock: Clock;
  readonly resolver: Pick<Resolver, 'addresses'>;
  /** 443 but in tests. */
  readonly port?: number;
  /** Authorities in place of Node's. */
  readonly ca?: string;
}

const DEADLINE_MS = 30_000;
const MOST_BYTES = 65_536;
/** Addresses of the policy host that are tried. */
const MOST_ADDRESSES = 4;

/** `allowPrivate`: the policy host may have a private address. Rejects only with the signal's reason. */
export async function fetchSts(means: FetchMeans, domain: string, allowPrivate: boolean, signal: AbortSignal): Promise<Fetched> {
  try {
    return await withDeadline(means.clock, DEADLINE_MS, signal, (own) => fetchFromAny(means, domain, allowPrivate, own));
  } catch (error) {
    signal.throwIfAborted();
    return fail('sts-policy-fetch-error', error instanceof Error ? error.message : String(error));
  }
}

async function fetchFromAny(means: FetchMeans, domain: string, allowPrivate: boolean, signal: AbortSignal): Promise<Fetched> {
  const host = `mta-sts.${domain}`;
  const answer: Answer<HostAddress> = await means.resolver.addresses(host, { v4: true, v6: true }, signal);
  if (hasFailed(answer)) return fail('sts-policy-fetch-error', `${host}: ${answer.kind}`);
  if (answer.kind !== 'found') return fail('sts-policy-fetch-error', `${host} has no address`);
  const addresses = answer.records.filter(({ ip }) => allowPrivate || !isLocalIp(ip)).slice(0, MOST_ADDRESSES);
  let last: Fetched = fail('sts-policy-fetch-error', `${host} has private addresses only`);
  for (const { ip } of addresses) {
    last = await fetchFrom(means, host, ip, signal);
    if (last.kind === 'policy') return last;
    signal.throwIfAborted();
  }
  return last;
}

function fetchFrom({ port = 443, ca }: FetchMeans, host: string, ip: string, signal: AbortSignal): Promise<Fetched> {
  return new Promise((done) => {
    const request = https.get({
      host: ip,
      port,
      path: '/.well-known/mta-sts.txt',
      servername: host,
      headers: { host, 'user-agent': 'celeris', accept: 'text/plain' },
      agent: false,
      signal,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca }),
    });
    const end = (result: Fetched): void => {
      done(result);
      request.destroy();
    };
    request.on('error', (error: NodeJS.ErrnoException) =>
      end(fail(isCertificateError(error) ? 'sts-webpki-invalid' : 'sts-policy-fetch-error', error.message)),
    );
    request.on('response', (response) => {
      if (response.statusCode !== 200) return end(fail('sts-policy-fetch-error', `status ${response.statusCode}`));
      if (!/^text\/plain\b/i.test(response.headers['content-type'] ?? '')) return end(fail('sts-policy-invalid', 'not text/plain'));
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MOST_BYTES) end(fail('sts-policy-invalid', `more than ${MOST_BYTES} octets`));
      });
      response.on('error', (error) => end(fail('sts-policy-fetch-error', error.message)));
      response.on('end', () => {
        if (!response.complete) return end(fail('sts-policy-fetch-error', 'cut off'));
        const text = Buffer.concat(chunks).toString();
        const policy = parseStsPolicy(text);
        end(typeof policy === 'string' ? fail('sts-policy-invalid', policy) : { kind: 'policy', policy, text });
      });
    });
  });
}

const fail = (fault: TlsFault, why: string): Fetched => ({ kind: 'failed', fault, why });

/** Errors of verification, unlike those of the way there. */
const isCertificateError = ({ code = '' }: NodeJS.ErrnoException): boolean =>
  /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|INVALID_)/.test(code);
