/** What reception_timing tells of each mail, and the hook by which it does. */
import { type Session, tell } from '#module';

/** How the reception of one copy, or of a message that was refused, went. */
export interface Timing {
  readonly how: 'received' | 'rejected' | 'disconnected';
  /** From MAIL to the moment its answer was ready, or the connection ended, in milliseconds. */
  readonly totalMs: number;
  /** The part of it behind the final dot; 0 when it did not get there. */
  readonly scannedMs: number;
  /** Octets; undefined when the message was not there yet. */
  readonly size: number | undefined;
  readonly session: Session;
  /** Empty when MAIL itself was wrong. */
  readonly id: string;
  readonly batchId: string;
  /** What a script keeps in the message's context as cl_MID, else empty. */
  readonly messageId: string;
  /** Reception state as in Session.phase in which it ended; of `received` without meaning. */
  readonly phase: number;
}

/** Told once for each copy that was received, each refusal, and each mail whose client went away. */
export const receptionTimed = tell<[Timing]>('reception_timing.timed', 1, { doc: 'How long the reception of a mail took.' });
