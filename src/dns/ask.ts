/** One question, put to the name servers until one gives a certain answer: rounds, timeouts, TCP, servers that know no EDNS. */
import type { Clock } from '../kernel/clock.js';
import { DeadlineError, withDeadline } from '../kernel/deadline.js';
import type { Failed } from './answer.js';
import { encodeQuery, fitsQuery } from './packet.js';
import { type Reading, readAnswer } from './read-answer.js';
import type { ResolvConf } from './resolv-conf.js';
import type { Server, Servers } from './servers.js';
import { type Wire, WireError } from './wire.js';

/** Certain readings, and failures with their reason. */
export type Told = Extract<Reading, { kind: 'found' | 'nxdomain' | 'nodata' | 'alias' }> & { readonly server: Server };
export type Untold = Pick<Failed, 'kind' | 'why'>;

/** What happened on the wire; the owner reads it. */
export interface AskCounts {
  udp: number;
  tcp: number;
  truncated: number;
  stray: number;
}

export interface AskMeans {
  readonly clock: Clock;
  readonly wire: Wire;
  readonly servers: Servers;
  readonly counts: AskCounts;
  /** A whole number from 0 up to, not including, `below`; nobody can guess it. */
  readonly random: (below: number) => number;
  readonly conf: () => ResolvConf;
  /** Ask again over TCP when an answer was cut off. */
  readonly tcpFallback: () => boolean;
}

/** Asks for `name` (normalized) and `type`. Rejects only with the signal's reason. */
export async function ask(means: AskMeans, name: string, type: string, signal: AbortSignal): Promise<Told | Untold> {
  const { clock, servers } = means;
  const conf = means.conf();
  // Who has said that it does not know is not asked again; who was silent or stammered is.
  const silenced = new Set<Server>();
  let failure: Untold | undefined;
  for (let round = 0; round < conf.attempts; round++) {
    for (const server of servers.order(conf.servers, conf.rotate && round === 0, clock.mono())) {
      if (silenced.has(server)) continue;
      const told = await askServer(means, conf, server, name, type, signal);
      signal.throwIfAborted();
      if (!('why' in told)) return told;
      if (told.kind === 'servfail' || told.kind === 'refused') silenced.add(server);
      // A server that spoke says more about the cause than one that did not.
      if (!failure || failure.kind === 'timeout') failure = { kind: told.kind, why: `${server.label}: ${told.why}` };
    }
  }
  return failure ?? { kind: 'refused', why: 'no name server' };
}

async function askServer(
  means: AskMeans,
  conf: ResolvConf,
  server: Server,
  name: string,
  type: string,
  signal: AbortSignal,
): Promise<Told | Untold> {
  const { clock } = means;
  let tcp = conf.tcpOnly;
  // UDP, then without EDNS, then TCP: each step happens once at most.
  for (let step = 0; step < 4; step++) {
    const edns = !server.primitive;
    const query = encodeQuery({ id: means.random(0x10000), name, type, edns });
    const began = clock.mono();
    server.asked++;
    let reading: Reading | Untold | 'again over tcp';
    try {
      const bytes = await withDeadline(clock, conf.timeoutSeconds * 1000, signal, (own) => exchange(means, server, query, tcp, own));
      if (fitsQuery(query, bytes)) {
        server.spokeAtMs = clock.mono();
        reading = readAnswer(bytes, name, type, !tcp && !means.tcpFallback());
      } else reading = { kind: 'malformed', why: 'an answer to another question' };
    } catch (error) {
      signal.throwIfAborted();
      reading = describeFault(error, conf.timeoutSeconds);
    }
    if (reading === 'again over tcp') {
      tcp = true;
      continue;
    }
    if (reading.kind === 'truncated') {
      means.counts.truncated++;
      if (tcp) return fail(means, server, { kind: 'malformed', why: 'cut off over TCP' });
      tcp = true;
      continue;
    }
    if (reading.kind === 'primitive') {
      if (!edns) return fail(means, server, { kind: 'servfail', why: 'FORMERR' });
      server.primitive = true;
      continue;
    }
    if (reading.kind === 'timeout') server.timeouts++;
    if ('why' in reading) return fail(means, server, reading);
    server.did(clock.mono() - began);
    return { ...reading, server };
  }
  return fail(means, server, { kind: 'malformed', why: 'no answer by any way' });
}

function exchange({ wire, counts }: AskMeans, server: Server, query: Buffer, tcp: boolean, signal: AbortSignal): Promise<Buffer> {
  if (tcp) {
    counts.tcp++;
    return wire.tcp(server.address, query, signal);
  }
  counts.udp++;
  const fits = (datagram: Buffer): boolean => {
    const fit = fitsQuery(query, datagram);
    if (!fit) counts.stray++;
    return fit;
  };
  return wire.udp(server.address, query, fits, signal);
}

/** A server that says SERVFAIL is well itself; one that is silent or stammers is asked last for a while. */
function fail({ clock }: AskMeans, server: Server, failure: Untold): Untold {
  if (failure.kind !== 'servfail') server.failed(clock.mono());
  else server.failures = 0;
  return failure;
}

function describeFault(error: unknown, seconds: number): Untold | 'again over tcp' {
  if (error instanceof DeadlineError) return { kind: 'timeout', why: `no answer within ${seconds} s` };
  if (!(error instanceof WireError)) return { kind: 'malformed', why: error instanceof Error ? error.message : String(error) };
  switch (error.fault) {
    case 'flooded':
      return 'again over tcp';
    case 'unreachable':
      return { kind: 'refused', why: error.cause instanceof Error ? error.cause.message : 'not reachable' };
    case 'closed':
      return { kind: 'malformed', why: 'connection closed before the answer' };
    case 'oversized':
      return { kind: 'malformed', why: 'an answer of no possible length' };
  }
}
