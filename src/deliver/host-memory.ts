/** What we remember of hosts across places: who failed lately, and who cannot do the TLS it offers. */
import type { Clock } from '../kernel/clock.js';
import { Lru } from '../kernel/lru.js';
import type { Hop } from '../module/attempt.js';

const REMEMBERED = 16_384;
/** How long a host whose TLS failed is spoken to in clear, where that is allowed. */
const TLS_MEMORY_MS = 3_600_000;

const keyOf = (source: string | undefined, { ip, port }: Hop): string => `${source ?? ''}|${ip}|${port}`;

export class HostMemory {
  readonly #failed: Lru<true>;
  readonly #plain: Lru<true>;

  constructor(clock: Clock) {
    this.#failed = new Lru({ capacity: REMEMBERED, clock });
    this.#plain = new Lru({ capacity: REMEMBERED, clock, hitMs: TLS_MEMORY_MS });
  }

  /** Leaves an address alone for a while, as seen from one source. */
  quarantine(source: string | undefined, hop: Hop, seconds: number): void {
    this.#failed.set(keyOf(source, hop), true, seconds * 1000);
  }

  isQuarantined(source: string | undefined, hop: Hop): boolean {
    return this.#failed.knows(keyOf(source, hop));
  }

  /** A connection stands: whatever was is over. */
  clear(source: string | undefined, hop: Hop): void {
    this.#failed.delete(keyOf(source, hop));
  }

  /** TLS with this address failed under such settings; with fallback it is not tried for a while. Other settings may do better. */
  rememberPlain(hop: Hop, settings: string): void {
    this.#plain.set(`${keyOf(undefined, hop)}|${settings}`, true);
  }

  isPlain(hop: Hop, settings: string): boolean {
    return this.#plain.knows(`${keyOf(undefined, hop)}|${settings}`);
  }

  /** Hosts that are spoken to in clear, as `ip|port`. */
  plain(): readonly string[] {
    this.#plain.sweep();
    // Behind address and port stand the TLS settings that failed.
    return [...new Set([...this.#plain.entries()].map(([key]) => key.slice(1).split('|', 2).join('|')))];
  }

  /** A new configuration may have mended what failed. */
  forgetPlain(): void {
    this.#plain.clear();
  }
}
