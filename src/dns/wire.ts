/** The way to a name server, small enough to be played by a test: query bytes out, answer bytes back. */

export interface NameServer {
  readonly ip: string;
  readonly port: number;
}

/** Why no answer came back. `flooded`: so many datagrams that were none that somebody must be guessing (RFC 5452). */
export type WireFault = 'unreachable' | 'closed' | 'flooded' | 'oversized';

/** The one error a Wire rejects with, next to the signal's reason. */
export class WireError extends Error {
  readonly fault: WireFault;

  constructor(fault: WireFault, options?: ErrorOptions) {
    super(fault, options);
    this.name = 'WireError';
    this.fault = fault;
  }
}

export interface Wire {
  /**
   * Sends one datagram from a port of its own and waits for the first one that `fits`; others are passed over.
   * Rejects with WireError or the signal's reason. The signal is the only deadline.
   */
  udp(server: NameServer, query: Buffer, fits: (datagram: Buffer) => boolean, signal: AbortSignal): Promise<Buffer>;
  /** One query over TCP (RFC 7766), without the length prefix either way. Rejects as `udp`. */
  tcp(server: NameServer, query: Buffer, signal: AbortSignal): Promise<Buffer>;
}
