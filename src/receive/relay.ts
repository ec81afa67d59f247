/** May this client send to this domain? Pure: the options in force are handed in. */

/** A list that can be asked. */
interface Members {
  has(name: string): boolean;
}

export interface RelayOptions {
  readonly open_relay: boolean;
  readonly relay_hosts: Members | undefined;
  readonly relay_domains: Members | undefined;
  readonly bounce_domains: Members | undefined;
  readonly relay_for_sending_domains: Members | undefined;
}

export interface RelayQuestion {
  /** Empty for a unix socket, which counts as loopback. */
  readonly ip: string;
  readonly senderDomain: string | undefined;
  readonly recipientDomain: string;
  /** Context variable can_relay, set by authentication or a policy. */
  readonly allowedByContext: boolean;
}

const LOOPBACK = '127.0.0.1';

/** The first reason that lets the mail through, or undefined. The words go into the explanation of a session. */
export function findRelayReason(options: RelayOptions, asked: RelayQuestion): string | undefined {
  if (options.relay_domains?.has(asked.recipientDomain)) return 'relay_domains';
  if (options.bounce_domains?.has(asked.recipientDomain)) return 'bounce_domains';
  if (asked.allowedByContext) return 'can_relay';
  if (options.open_relay) return 'open_relay';
  if (options.relay_hosts?.has(asked.ip === '' ? LOOPBACK : asked.ip)) return 'relay_hosts';
  if (asked.senderDomain !== undefined && options.relay_for_sending_domains?.has(asked.senderDomain)) return 'relay_for_sending_domains';
  return undefined;
}
