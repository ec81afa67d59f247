/** Counts open connections by client: by address, and for IPv6 by the /64 that one customer has to himself. */

/** Connections that are open now, by client. */
export class ClientCount {
  readonly #open = new Map<string, number>();

  /** Counts one more and answers how many this client has now, itself included. */
  add(ip: string): number {
    const key = clientKey(ip);
    const count = (this.#open.get(key) ?? 0) + 1;
    this.#open.set(key, count);
    return count;
  }

  /** One connection less. */
  remove(ip: string): void {
    const key = clientKey(ip);
    const count = this.#open.get(key);
    if (count === undefined || count <= 1) this.#open.delete(key);
    else this.#open.set(key, count - 1);
  }

  /** Connections of this client. */
  of(ip: string): number {
    return this.#open.get(clientKey(ip)) ?? 0;
  }

  /** Clients with at least one connection. */
  get clients(): number {
    return this.#open.size;
  }
}

/** What stands for a client: the IPv4 address, or the first four groups of the IPv6 address. */
export function clientKey(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = (ip.split('%')[0] ?? ip).split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    const embedded = rest.at(-1)?.includes('.') ? 1 : 0;
    while (groups.length + rest.length + embedded < 8) groups.push('0');
    groups.push(...rest);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}
