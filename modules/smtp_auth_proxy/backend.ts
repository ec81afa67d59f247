/** The servers that are asked, and in which order: in turn, those that failed lately after the others. */
import net from 'node:net';

export interface Backend {
  /** A name or an address, an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/** Reads `host`, `host:port`, an IPv6 address, or one in brackets with a port; else the sentence that says what is wrong. */
export function parseBackend(text: string, port: number): Backend | string {
  if (net.isIPv6(text)) return { host: text, port };
  const [, bracketed, bare = '', digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? bare;
  const isGood = bracketed === undefined ? net.isIPv4(bare) || (NAME.test(bare) && !/(?:^|\.)\d+\.?$/.test(bare)) : net.isIPv6(bracketed);
  if (!isGood) return `"${text}" is no host: write mx.test, mx.test:587, 192.0.2.1:25 or [2001:db8::1]:25.`;
  const own = digits === undefined ? port : Number(digits);
  return own >= 1 && own <= 65_535 ? { host, port: own } : `${own} is no port: ports go from 1 to 65535.`;
}

/** How long a server that failed is asked only after the others, in milliseconds. */
export const REST_MS = 30_000;

export class Backends {
  readonly #all: readonly Backend[];
  readonly #restsUntil = new Map<Backend, number>();
  #turn = 0;

  constructor(all: readonly Backend[]) {
    this.#all = all;
  }

  /** All of them, each call beginning with the next; those that rest come last. `now` in milliseconds. */
  inTurn(now: number): readonly Backend[] {
    const from = this.#turn++ % this.#all.length;
    const order = [...this.#all.slice(from), ...this.#all.slice(0, from)];
    const rests = (backend: Backend): boolean => (this.#restsUntil.get(backend) ?? 0) > now;
    return [...order.filter((backend) => !rests(backend)), ...order.filter(rests)];
  }

  /** It could not say yes or no. True when it could the time before. */
  failed(backend: Backend, now: number): boolean {
    const isNew = !this.#restsUntil.has(backend);
    this.#restsUntil.set(backend, now + REST_MS);
    return isNew;
  }

  /** It said yes or no. True when it could not the time before. */
  worked(backend: Backend): boolean {
    return this.#restsUntil.delete(backend);
  }
}
