/** Names of messages that no other process and no other host gives out (maildir(5) of qmail, "unique names"). */
import os from 'node:os';

/** Slash and colon mean something in a maildir; the manual's way to write them. */
const spellHost = (host: string): string => host.replaceAll('/', '\\057').replaceAll(':', '\\072');

/** A source of names: seconds, microseconds, process, running number, host. */
export function makeNames(now: () => number, pid = process.pid, host = os.hostname()): () => string {
  const where = spellHost(host);
  let count = 0;
  return () => {
    const ms = now();
    return `${Math.floor(ms / 1000)}.M${Math.floor(ms % 1000) * 1000}P${pid}Q${++count}.${where}`;
  };
}
