/** What a handler may answer. Returning nothing means "go on to the next handler". */
import { type Reply, reply } from '../mail/reply.js';

export type { Reply };

/** An answer to the client that ends the phase. */
export interface Refusal {
  readonly do: 'reject' | 'tempfail' | 'disconnect';
  readonly reply: Reply;
  /** Seconds to wait before the answer is sent. */
  readonly tarpitSeconds?: number;
  /** Name of the module that said it; filled in by the engine, absent when the core refuses. */
  readonly by?: string;
}

/**
 * This copy is not spooled: `deliver` takes it to where it belongs while its client waits. Only an answer at hook `spool`; anywhere else
 * it is nonsense. It is run once the hooks were asked about all copies of the message and those that are spooled are durable, ten
 * copies at a time. A 2xx reply says that the message is in safe hands, on a medium that survives a crash; 4xx and 5xx refuse the copy
 * with that reply. A throw, any other reply or lateness is 451 4.3.0. Core asks `assign`, `final` and `sign` before: headers are to be
 * read when it runs.
 */
export interface DeliverNow {
  readonly do: 'deliver';
  readonly deliver: (signal: AbortSignal) => Promise<Reply>;
  /** Seconds after which the signal is aborted and nobody waits any more. */
  readonly limitSeconds: number;
  /** Name of the module; filled in by the engine. */
  readonly by?: string;
}

export type Verdict =
  | void
  | DeliverNow
  | { readonly do: 'accept'; readonly tarpitSeconds?: number; readonly by?: string }
  | Refusal
  | { readonly do: 'quarantine' | 'discard'; readonly reason: string; readonly by?: string };

/** Whether the client hears no. */
export const isRefusal = (verdict: Verdict): verdict is Refusal => verdict !== undefined && 'reply' in verdict;

/** A verdict that ends its chain; `quarantine` only marks and goes on. */
export type Ending = Exclude<Verdict, void>;

const CODED = /^([245]\d\d) (\d\.\d{1,3}\.\d{1,3}) (.+)$/s;
const BARE = /^([245]\d\d) (.+)$/s;

/** Reads "554 5.4.6 text"; a text without code or status gets the given ones. */
const say = (given: string, code: number, status: string): Reply => {
  const full = CODED.exec(given);
  if (full?.[1] && full[2] && full[3]) return reply(Number(full[1]), full[2], full[3]);
  const bare = BARE.exec(given);
  if (bare?.[1] && bare[2]) return reply(Number(bare[1]), '', bare[2]);
  return reply(code, status, given);
};

/** Ends this phase with the normal answer; later handlers are not asked. */
export const ACCEPT: Ending = Object.freeze({ do: 'accept' });

/** Refuses for good; default code 550 5.7.1. */
export const reject = (text: string): Refusal => ({ do: 'reject', reply: say(text, 550, '5.7.1') });

/** Refuses for now; default code 451 4.7.1. */
export const tempfail = (text: string): Refusal => ({ do: 'tempfail', reply: say(text, 451, '4.7.1') });

/** Answers and closes the connection; default code 421 4.3.0. */
export const disconnect = (text: string): Refusal => ({ do: 'disconnect', reply: say(text, 421, '4.3.0') });

/** Marks the message as set aside and goes on: a later refusal still wins. */
export const quarantine = (reason: string): Ending => ({ do: 'quarantine', reason });

/** Answers 250, then drops the message and logs it. */
export const discard = (reason: string): Ending => ({ do: 'discard', reason });

/** Delivers this copy itself in place of the spool; see DeliverNow. */
export const deliverNow = (deliver: (signal: AbortSignal) => Promise<Reply>, limitSeconds: number): DeliverNow => ({
  do: 'deliver',
  deliver,
  limitSeconds,
});

/** The answer for a handler that throws, is late or answers nonsense (nothing fails open). */
export const FAIL_CLOSED: Refusal = tempfail('451 4.3.0 temporary policy failure');
