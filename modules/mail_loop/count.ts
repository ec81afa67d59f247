/** Counts the Received fields at the top of a message. */
import type { Headers } from '#module';

/** Only fields of exactly that name before the body; a folded field is one. */
export const countReceived = (headers: Headers): number => headers.all('received').length;
