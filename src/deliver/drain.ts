/** Ends all due mail of a place with one reply, a batch a turn, so that a large queue does not hold up everybody else. */
import { STAGE } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import type { AttemptFacts } from './conclude.js';
import type { Yard } from './link.js';
import type { Station } from './station.js';

const BATCH = 100;

/** `quiet` fails without notices. Calls `pump` of the yard when nothing is due any more. */
export function drain(yard: Yard, station: Station, reply: string, quiet = false): void {
  if (station.draining) return;
  station.draining = true;
  station.returnHead(yard.ports.supply);
  const facts: AttemptFacts = {
    outcome: reply.startsWith('5') ? 'failed' : 'deferred',
    reply,
    stage: STAGE.notConnected,
    bytes: 0,
    possibleDuplicate: false,
    connectionId: '',
    hop: undefined,
    tls: undefined,
    quiet,
  };
  takeOne(yard, station, facts);
}

function takeOne(yard: Yard, station: Station, facts: AttemptFacts): void {
  const { supply, spool } = yard.ports;
  if (yard.stopping || spool.blocked !== undefined) {
    station.draining = false;
    return;
  }
  const mails = supply.take(station.place, BATCH);
  if (mails instanceof Promise) {
    mails.then(
      (read) => endAll(yard, station, facts, read),
      () => {
        station.draining = false;
      },
    );
  } else endAll(yard, station, facts, mails);
}

function endAll(yard: Yard, station: Station, facts: AttemptFacts, mails: readonly Copy[]): void {
  for (const mail of mails) yard.conclusions.conclude(mail, facts);
  if (mails.length > 0 && yard.ports.supply.waiting(station.place) > 0) {
    setImmediate(() => takeOne(yard, station, facts));
    return;
  }
  station.draining = false;
  // Lets a station go that nobody needs.
  if (yard.ports.supply.waiting(station.place) === 0) yard.pump(station);
}
