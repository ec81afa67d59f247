/** Delivery at reception: copies that a module takes to where they belong while their client waits. */
import { sleep } from '../kernel/clock.js';
import { DeadlineError, withDeadline } from '../kernel/deadline.js';
import { Pool } from '../kernel/pool.js';
import { formatOneLine, type Reply } from '../mail/reply.js';
import { type Attempt, STAGE } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import { NOTIFY } from '../module/message.js';
import type { Session } from '../module/session.js';
import type { ReceivePorts } from './ports.js';
import { NOT_DELIVERED } from './replies.js';
import type { DeliveredCopy, DoorstepCopy, Passage, RefusedCopy } from './transit.js';

type Copies = Extract<Passage, { kind: 'copies' }>;
type Refused = Extract<Passage, { kind: 'refused' }>;

/** Deliveries of one message that run at once. */
const WIDTH = 10;
/** All deliveries of one message together: the session gives up on an answer of ours after five minutes, and would hear 451 too late. */
const LONGEST_MS = 240_000;

const STATUS = /^$|^[245]\.\d{1,3}\.\d{1,3}$/;
/** What would end or break a reply line; \n parts its lines. */
const UNSPEAKABLE = /[^\P{Cc}\n\t]/u;

/** How long a delivery that fails for now waits before it is tried again, and until when it does so at all. */
export interface Patience {
  readonly pausesMs: readonly number[];
  readonly signal: AbortSignal;
}

/**
 * Delivers the copies of `doorstep`; those that are spooled are durable before. Tells `received` and `delivered` of what was taken.
 * Gives a refusal when nothing of the message was taken: the first 4xx, so that the client tries again, else the first 5xx.
 * Rejects only when the signal of `patience` ends.
 */
export async function deliverCopies(
  ports: ReceivePorts,
  passage: Copies,
  doorstep: readonly DoorstepCopy[],
  draft: Copy,
  session: Session | null,
  patience?: Patience,
): Promise<Copies | Refused> {
  const pool = new Pool(WIDTH);
  const endsAt = ports.clock.mono() + LONGEST_MS;
  const replies = await Promise.all(doorstep.map((item) => pool.run(() => deliverOne(ports, item, endsAt, patience))));
  const delivered: DeliveredCopy[] = [];
  const refused: RefusedCopy[] = [...passage.refused];
  for (const [index, { copy, origin, verdict }] of doorstep.entries()) {
    const reply = replies[index] ?? NOT_DELIVERED;
    if (reply.code < 300) delivered.push({ copy, origin, reply });
    else refused.push({ copy, origin, reply, by: verdict.by ?? '' });
  }
  if (refused.length > passage.refused.length) refused.sort((a, b) => a.origin - b.origin);
  const worst = refused.find(({ reply }) => reply.code < 500) ?? refused[0];
  if (worst && delivered.length === 0 && passage.copies.length === 0)
    return { kind: 'refused', reply: worst.reply, by: worst.by, disconnect: false, each: refused };
  if (!passage.copies.some(({ content }) => content === draft.content)) ports.spool.forget(draft.content);
  for (const item of delivered) tellDelivered(ports, item, session);
  return { ...passage, refused, delivered, origins: [...passage.origins, ...delivered.map(({ origin }) => origin)] };
}

async function deliverOne(ports: ReceivePorts, item: DoorstepCopy, endsAt: number, patience: Patience | undefined): Promise<Reply> {
  let reply = await askModule(ports, item, patience ? LONGEST_MS : endsAt - ports.clock.mono());
  for (const pauseMs of patience?.pausesMs ?? []) {
    if (reply.code < 400 || reply.code >= 500) break;
    await sleep(ports.clock, pauseMs, patience?.signal);
    reply = await askModule(ports, item, LONGEST_MS);
  }
  return reply;
}

/** Runs a delivery once. Whatever is no reply is a failure for now: the module's error is not the recipient's. */
async function askModule(ports: ReceivePorts, { copy, verdict }: DoorstepCopy, leftMs: number): Promise<Reply> {
  const limitMs = Math.min(verdict.limitSeconds * 1000, leftMs);
  try {
    if (limitMs <= 0) throw new DeadlineError(LONGEST_MS);
    const reply = await withDeadline(ports.clock, limitMs, undefined, async (signal) => verdict.deliver(signal));
    if (isSpeakable(reply)) return reply;
    ports.log('error', `${verdict.by} gave no reply when it delivered ${copy.id}`);
  } catch (error) {
    ports.log('error', `${verdict.by} could not deliver ${copy.id}`, error);
  }
  return NOT_DELIVERED;
}

/** Whether it can be said to a client as the end of a message; modules may be written without types. */
function isSpeakable(said: unknown): said is Reply {
  const { code, status, text } = (said ?? {}) as Partial<Reply>;
  if (!Number.isInteger(code) || code === undefined || typeof status !== 'string' || typeof text !== 'string') return false;
  return ((code >= 200 && code < 300) || (code >= 400 && code < 600)) && STATUS.test(status) && !UNSPEAKABLE.test(text);
}

/** Logs and counters see a reception and a delivery. */
function tellDelivered(ports: ReceivePorts, { copy, reply }: DeliveredCopy, session: Session | null): void {
  const { received, attempted, delivered } = ports.rules().chains;
  const attempt: Attempt = {
    outcome: 'delivered',
    reply: formatOneLine(reply),
    mail: copy,
    place: copy.place,
    at: ports.clock.now(),
    connectionId: '',
    stage: STAGE.readingConfirmation,
    bytes: copy.size,
    hop: undefined,
    bounceClass: 0,
    possibleDuplicate: false,
    tls: undefined,
  };
  received.run(copy, session);
  attempted.run(attempt);
  delivered.run(attempt);
  if (copy.notify & NOTIFY.success) ports.arrivedCopy?.(copy, attempt);
}
