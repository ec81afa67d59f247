/** The wish of a sender that a message be delivered by a time (RFC 2852): as a parameter of MAIL, and as a fact of the mail. */

/** `R`: return it when the time is over. `N`: tell the sender, and go on. */
export interface DeliverBy {
  readonly mode: 'R' | 'N';
  /** Wall time in milliseconds. */
  readonly at: number;
  /** Every server that hands it on tells the sender so. */
  readonly traced: boolean;
}

/** The parameter as it was given. */
export interface ByTime extends Omit<DeliverBy, 'at'> {
  /** From now; not above 0 where the time is over already. */
  readonly seconds: number;
}

const PARAMETER = /^([+-]?\d{1,9});([RN])(T?)$/i;
const FACT = /^(\d{1,15})([RN])(T?)$/;

/** Reads the value of BY (RFC 2852 4). Undefined when it is malformed: return-by needs a time that is yet to come. */
export function readByTime(text: string): ByTime | undefined {
  const parts = PARAMETER.exec(text);
  if (!parts) return undefined;
  const seconds = Number(parts[1]);
  const mode = parts[2]?.toUpperCase() === 'R' ? 'R' : 'N';
  return mode === 'R' && seconds <= 0 ? undefined : { mode, seconds, traced: parts[3] !== '' };
}

/** The value of the fact `deliver_by`. */
export const formatDeliverBy = ({ mode, at, traced }: DeliverBy): string => `${Math.max(0, at)}${mode}${traced ? 'T' : ''}`;

/** Reads the fact; undefined when there is none, or it is not one of ours. */
export function readDeliverBy(fact: string | undefined): DeliverBy | undefined {
  const parts = fact === undefined ? null : FACT.exec(fact);
  return parts ? { at: Number(parts[1]), mode: parts[2] === 'R' ? 'R' : 'N', traced: parts[3] !== '' } : undefined;
}

/** The parameter for the next server, with the seconds that are left, rounded down. */
export function formatByTime({ mode, at, traced }: DeliverBy, now: number): string {
  const left = Math.floor((at - now) / 1000);
  return `BY=${Math.max(-999_999_999, Math.min(999_999_999, left))};${mode}${traced ? 'T' : ''}`;
}
