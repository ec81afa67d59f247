/** The lines about how long reception took: pure text from facts. */
import type { Endpoint } from '#module';
import type { Timing } from '../reception_timing/api.js';

/** What the client and we were doing, by the number of the reception state. */
const PHASES: readonly string[] = [
  'just connected',
  'sending banner',
  'awaiting ehlo/helo',
  'sending ehlo/helo response',
  'awaiting mailfrom',
  'sending mailfrom response',
  'awaiting rcptto',
  'sending rcptto response',
  'data phase',
  'reading body',
  'sending body response',
  'async body handler',
  'async body response',
  'relaying denied',
  'extension 1',
  'extension 2',
  'extension 3',
  'extension 4',
  'concurrency limit',
  'rcptto list response',
  'rcptto list final response',
  'esmtp setup phase',
];

const WORDS = { received: 'received', rejected: 'rejected', disconnected: 'unexpected disconnect' } as const;

const endpoint = ({ ip, port }: Endpoint): string => (ip === '' ? '' : ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

const seconds = (ms: number): string => (ms / 1000).toFixed(6);

/** Scripts may put there what a sender wrote: it must not look like a field of ours, nor begin a line. */
const NEEDS_CARE = /["\\\p{Cc}]/gu;
const quoted = (text: string): string => `"${text.replace(NEEDS_CARE, (found) => (found === '"' || found === '\\' ? `\\${found}` : ' '))}"`;

/** One line, without time and newline, which the chunk log puts around it. */
export function formatTiming(timing: Timing): string {
  const { how, session } = timing;
  const phase = how === 'received' ? '' : ` phase=${timing.phase} (${PHASES[timing.phase] ?? 'unknown'})`;
  return `${WORDS[how]} after ${seconds(timing.totalMs)} s (scanned in ${seconds(timing.scannedMs)} s) size=${timing.size ?? '0???'} src=${endpoint(session.peer)} dst=${endpoint(session.local)} pathway=${session.pathway ?? ''} ID=${timing.id} batch-ID=${timing.batchId} Message-ID=${quoted(timing.messageId)}${phase}`;
}
