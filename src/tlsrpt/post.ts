/** Hands a report to an HTTPS address (RFC 8460 5.4): our own resolver, no redirects, one deadline. */
import https from 'node:https';
import { type Answer, hasFailed } from '../dns/answer.js';
import type { HostAddress, Resolver } from '../dns/resolver.js';
import type { Clock } from '../kernel/clock.js';
import { withDeadline } from '../kernel/deadline.js';
import { isLocalIp } from '../kernel/ip-kind.js';

export interface PostMeans {
  readonly clock: Clock;
  readonly resolver: Pick<Resolver, 'addresses'>;
  /** Private addresses may be posted to. */
  allowPrivate(): boolean;
  /** Authorities in place of Node's. */
  readonly ca?: string;
}

const DEADLINE_MS = 60_000;

/** Rejects unless the answer is 2xx, with DeadlineError when it is late. */
export function postReport(means: PostMeans, url: string, packed: Buffer, signal: AbortSignal): Promise<void> {
  return withDeadline(means.clock, DEADLINE_MS, signal, async (own) => {
    const { hostname, port, pathname, search } = new URL(url);
    const answer: Answer<HostAddress> = await means.resolver.addresses(hostname, { v4: true, v6: true }, own);
    if (hasFailed(answer) || answer.kind !== 'found') throw new Error(`${hostname}: ${answer.kind}`);
    const to = answer.records.find(({ ip }) => means.allowPrivate() || !isLocalIp(ip));
    if (!to) throw new Error(`${hostname} has private addresses only`);
    await post(means, { host: to.ip, port: port === '' ? 443 : Number(port), path: `${pathname}${search}` }, hostname, packed, own);
  });
}

function post(
  { ca }: PostMeans,
  to: { host: string; port: number; path: string },
  hostname: string,
  packed: Buffer,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((done, fail) => {
    const request = https.request({
      ...to,
      method: 'POST',
      servername: hostname,
      headers: { host: hostname, 'content-type': 'application/tlsrpt+gzip', 'content-length': packed.length },
      agent: false,
      signal,
      ...(ca !== undefined && { ca }),
    });
    request.on('error', fail);
    request.on('response', ({ statusCode = 0 }) => {
      request.destroy();
      if (statusCode >= 200 && statusCode < 300) done();
      else fail(new Error(`status ${statusCode}`));
    });
    request.end(packed);
  });
}
