/** What operators ordered on the console that lasts until it is taken back or the daemon ends: every worker has it, also one that starts later. */
import type { PlaceParts } from '../module/place.js';
import type { Daemon } from './daemon.js';
import type { TraceRow } from './traces.js';

/** All orders in force; plain data, sent between processes. */
export interface Orders {
  /** Senders whose mail is held. */
  readonly senders: readonly string[];
  /** Suspended places. Ends are wall milliseconds; undefined = until they are resumed. */
  readonly stops: readonly { readonly where: PlaceParts; readonly why: string; readonly untilMs: number | undefined }[];
  readonly traces: readonly TraceRow[];
  /** Senders released just now: their mail goes, also where no command came because the worker is being started. */
  readonly released: readonly string[];
  /** Keys of TLS session tickets that the console has had made. */
  readonly ticketKeys: Uint8Array | undefined;
}

/** What a daemon begins with that nobody has ordered anything of. */
export const NO_ORDERS: Orders = { senders: [], stops: [], traces: [], released: [], ticketKeys: undefined };

/** Senders that one who has not begun is to release when it begins: those of before and the new ones, as long as they are not held again. */
export const gatherReleased = (before: readonly string[] = [], { released, senders }: Orders): readonly string[] =>
  [...new Set([...before, ...released])].filter((sender) => !senders.includes(sender));

/** The orders that this process follows, with what was released since they were read last. */
export const readOrders = ({ queue, traces, contexts }: Daemon): Orders => ({
  senders: queue.custody.senders,
  stops: queue.operations.stops(),
  traces: traces.list(),
  released: queue.custody.takeReleased(),
  ticketKeys: contexts.rekeyed,
});

/** Follows exactly these orders from now on; those that are not among them end. */
export function followOrders({ queue, traces, clock, snapshot, journal, contexts }: Daemon, orders: Orders): void {
  const { custody, operations } = queue;
  for (const sender of orders.senders) custody.holdSender(sender);
  for (const sender of new Set([...custody.senders, ...orders.released]))
    if (!orders.senders.includes(sender))
      custody
        .releaseSender(sender, new AbortController().signal)
        .catch((error: unknown) => journal.say('error', 'queue', `the mail of ${sender} could not be released`, error));
  custody.takeReleased();
  if (orders.ticketKeys)
    contexts
      .rekey(Buffer.from(orders.ticketKeys))
      .catch((error: unknown) => journal.say('error', 'tls', 'new ticket keys could not be taken', error));
  const wanted = new Set(orders.stops.map(({ where }) => keyOf(where)));
  for (const { where } of operations.stops()) if (!wanted.has(keyOf(where))) operations.lift(where);
  for (const { where, why, untilMs } of orders.stops) {
    const seconds = untilMs === undefined ? undefined : (untilMs - clock.now()) / 1000;
    if (seconds === undefined || seconds > 0) operations.stop(where, why, seconds);
  }
  traces.follow(orders.traces, snapshot.global.trace_smtp_mode);
}

const keyOf = ({ group, binding, domain }: PlaceParts): string => JSON.stringify([group, binding, domain]);
