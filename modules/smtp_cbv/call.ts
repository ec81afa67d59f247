/** One callback: asks one server after the other until one says something about the address, or the time is over. */
import { domainToASCII } from 'node:url';
import { type Address, formatOneLine, ProbeFailure, type ProbeService, type ProbeVisit } from '#module';
import { askRecipient, isAboutRecipient, isDone, type Said } from '../smtp_rcptto_proxy/api.js';
import type { Callback } from './api.js';

/** What is asked. */
export interface Question {
  readonly address: Address;
  readonly from: Address | null;
  /** A local part nobody has, to find out whether the server takes everything; undefined does not ask. */
  readonly stranger: string | undefined;
}

/** How it is asked. */
export interface Line {
  readonly probes: ProbeService;
  readonly port: number;
  readonly helo: string | undefined;
  /** Connections to one server at once. */
  readonly most: number;
  /** Milliseconds that are left for the whole callback. */
  left(): number;
  readonly signal: AbortSignal;
  /** The answer is there; with `isAll` nothing will be added to it, and the goodbyes need nobody to wait for them. */
  heard(callback: Callback, isAll: boolean): void;
  /** A server is about to be spoken to; what it answers is called afterwards. */
  visits(ip: string): () => void;
}

/** Addresses come in the order in which they are called; there is at least one. Rejects only with the signal's reason. */
export async function callBack(question: Question, ips: readonly string[], line: Line): Promise<Callback> {
  let last: Callback | undefined;
  for (const [n, ip] of ips.entries()) {
    const left = line.left();
    if (left <= 0) break;
    // Half of what is left for each but the last: a host that swallows packets must not use up the time of the others.
    const timeoutMs = Math.ceil(n === ips.length - 1 ? left : left / 2);
    const door = { host: ip, port: line.port, tls: 'ifavailable', ...(line.helo !== undefined && { helo: line.helo }) } as const;
    const leave = line.visits(ip);
    let heard: Callback | undefined;
    const listen = (callback: Callback, isAll: boolean): void => {
      heard = callback;
      line.heard(callback, isAll);
    };
    try {
      return await line.probes.visit(door, { timeoutMs, most: line.most, idleMs: 0, signal: line.signal }, (visit) =>
        ask(visit, question, listen),
      );
    } catch (error) {
      line.signal.throwIfAborted();
      if (!(error instanceof ProbeFailure)) throw error;
      // What is known stays known when the server goes away now.
      if (heard) return heard;
      // That one may come back outweighs that another will not have us.
      if (last?.status !== 'transient') last = judgeFailure(error, ip);
    } finally {
      leave();
    }
  }
  return last ?? LATE;
}

/** Nobody had said anything when the time was over. */
export const LATE: Callback = Object.freeze({ status: 'transient', text: '451 4.4.2 [internal] no answer in time' });

async function ask(visit: ProbeVisit, { address, from, stranger }: Question, heard: Line['heard']): Promise<Callback> {
  let callback = judge(await askRecipient(visit, from, address));
  if (callback.status === 'pass' && stranger !== undefined) {
    heard(callback, false);
    const catchesAll = await takesAll(visit, stranger, address);
    if (catchesAll !== undefined) callback = { ...callback, catchesAll };
  }
  heard(callback, true);
  await visit.say('RSET');
  return callback;
}

async function takesAll(visit: ProbeVisit, stranger: string, { domain }: Address): Promise<boolean | undefined> {
  const reply = await visit.say(`RCPT TO:<${stranger}@${domainToASCII(domain) || domain}>`);
  return isDone(reply) ? true : isAboutRecipient(reply) ? false : undefined;
}

function judge({ to, reply }: Said): Callback {
  const text = formatOneLine(reply);
  if (to === 'rcpt' && isDone(reply)) return { status: 'pass', text };
  if (to === 'rcpt' && isAboutRecipient(reply)) return { status: 'fail', text };
  return { status: reply.code >= 500 ? 'error' : 'transient', text };
}

function judgeFailure({ kind, message, reply }: ProbeFailure, ip: string): Callback {
  if (reply) return { status: reply.code >= 500 ? 'error' : 'transient', text: formatOneLine(reply) };
  if (kind === 'late') return LATE;
  return { status: 'transient', text: `451 4.4.1 [internal] ${ip}: ${message}` };
}
