/** The most messages a second that limits, pool and throttles of a place allow. Pure. */
import type { Measured } from './pace.js';

/** One limit that counts. `perSecond` of a throttle; `connections` of a limit on connections. */
export interface CeilingParts {
  /** Messages a second by throttle; undefined without one. */
  readonly messageRate: number | undefined;
  /** New connections a second by throttle; undefined without one. */
  readonly connectionRate: number | undefined;
  /** Messages a connection may carry; 0 = no limit. */
  readonly mailsPerConnection: number;
  /** Smallest limit on connections; undefined without one. */
  readonly connections: number | undefined;
  /** What one connection did in the last minute. */
  readonly measured: Measured | undefined;
}

export interface Ceiling {
  /** Messages a second; undefined when it depends on what was not measured yet, or when nothing limits. */
  readonly messagesPerSecond: number | undefined;
  /** What sets it, or why it is not known. */
  readonly because: 'message throttle' | 'connection throttle' | 'connections' | 'not measured yet' | 'no limit';
}

/** The smallest of: message throttle, connection throttle times what a connection may carry, connections times their pace. */
export function ceilingOf({ messageRate, connectionRate, mailsPerConnection, connections, measured }: CeilingParts): Ceiling {
  const rates: [number, Ceiling['because']][] = [];
  if (messageRate !== undefined) rates.push([messageRate, 'message throttle']);
  if (connectionRate !== undefined && mailsPerConnection > 0) rates.push([connectionRate * mailsPerConnection, 'connection throttle']);
  if (connections !== undefined && measured) rates.push([connections * measured.batchesPerSecond * measured.mailsPerBatch, 'connections']);
  rates.sort(([a], [b]) => a - b);
  const [lowest] = rates;
  if (connections !== undefined && !measured && !lowest) return { messagesPerSecond: undefined, because: 'not measured yet' };
  return lowest ? { messagesPerSecond: lowest[0], because: lowest[1] } : { messagesPerSecond: undefined, because: 'no limit' };
}
