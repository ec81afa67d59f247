/** Finds the server behind a door: its addresses one after the other, until one of them has greeted us. */
import net from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Clock, Timer } from '../../kernel/clock.js';
import type { Names } from '../../module/names.js';
import { type ProbeDoor, ProbeFailure } from '../../module/probe.js';
import type { ClientTerms } from '../client/terms.js';
import type { ClientKit } from '../client/wire.js';
import { Call, type Dial } from './call.js';
import { greet } from './greet.js';
import { heed } from './heed.js';

export interface Means {
  readonly clock: Clock;
  readonly kit: ClientKit;
  readonly names: Pick<Names, 'addresses'>;
  readonly dial: Dial;
  /** Our name in EHLO where the door has none. */
  hostname(): string;
  /** Authorities, ciphers and our certificate. */
  secureContext(): SecureContext | Promise<SecureContext>;
}

/** A name with more addresses is not asked at all of them. */
const MOST_ADDRESSES = 10;

/**
 * Resolves with a call that stands. Every address but the last has its share of the time that is left. Rejects with a ProbeFailure, a
 * refusal before others, or with the signal's reason. `opened` hears of each connection. `endsAt`: monotonic milliseconds.
 */
export async function reach(
  means: Means,
  door: ProbeDoor,
  endsAt: number,
  signal: AbortSignal,
  opened: (call: Call) => void,
): Promise<Call> {
  const ips = await findAddresses(means, door.host, signal);
  const tlsContext = door.tls === 'no' ? undefined : await readContext(means, signal);
  let told: ProbeFailure | undefined;
  for (const [i, ip] of ips.entries()) {
    const left = endsAt - means.clock.mono();
    const terms = makeTerms(door, ip, door.helo ?? means.hostname(), tlsContext);
    const call = new Call(means.kit, terms, means.dial);
    opened(call);
    const late = new ProbeFailure('unreached', `${ip} took too long`);
    const timer: Timer | undefined = i < ips.length - 1 ? means.clock.after(left / (ips.length - i), () => call.close(late)) : undefined;
    const end = (): void => call.close(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    try {
      await greet(call, door);
      return call;
    } catch (error) {
      call.leave();
      if (!(error instanceof ProbeFailure)) throw error;
      if (signal.aborted) throw signal.reason;
      if (told?.kind !== 'refused') told = error;
    } finally {
      timer?.cancel();
      signal.removeEventListener('abort', end);
    }
  }
  throw told ?? new ProbeFailure('unreached', `${door.host} has no address`);
}

async function findAddresses({ names }: Means, host: string, signal: AbortSignal): Promise<readonly string[]> {
  if (net.isIP(host) !== 0) return [host];
  const answer = await heed(names.addresses(host, { v4: true, v6: true }, signal), signal);
  if (answer.kind === 'found') return answer.records.slice(0, MOST_ADDRESSES).map(({ ip }) => ip);
  throw new ProbeFailure('unreached', `no address of ${host}: ${'why' in answer ? answer.why : answer.kind}`);
}

async function readContext(means: Means, signal: AbortSignal): Promise<SecureContext> {
  try {
    return await heed(Promise.resolve(means.secureContext()), signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new ProbeFailure('unreached', `our own TLS files cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The visit has a deadline of its own, and no step another. */
const STEP_MS = 3_600_000;
const TIMEOUTS: ClientTerms['timeouts'] = {
  connectMs: STEP_MS,
  ehloMs: STEP_MS,
  mailFromMs: STEP_MS,
  rcptToMs: STEP_MS,
  bodyMs: STEP_MS,
  rsetMs: STEP_MS,
  idleMs: STEP_MS,
};

function makeTerms(door: ProbeDoor, ip: string, helo: string, tlsContext: SecureContext | undefined): ClientTerms {
  return {
    hop: { name: door.host, ip, port: door.port },
    source: undefined,
    lmtp: false,
    helo,
    tls: door.tls,
    tlsFallback: true,
    tlsVerify: door.verify ? 'host' : 'no',
    tlsContext,
    xclient: 'no',
    origin: undefined,
    sendEightBit: false,
    downgrade: 'no',
    strictEightBit: false,
    timeouts: TIMEOUTS,
  };
}
