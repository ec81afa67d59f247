/** The listening sockets of a daemon with several workers: bound by the supervisor, served by the workers. */
import { printSocketAddress } from '../../config/socket-address.js';
import { type BoundSocket, bindSocket } from '../../net/bind.js';
import type { WantedSocket } from '../../smtp/server/listener.js';

export class BoundSockets {
  readonly #bound = new Map<string, BoundSocket>();

  /** Binds what is wanted and not bound, all or nothing; answers what is new. Throws the coded problems of net. */
  async bind(wanted: readonly WantedSocket[]): Promise<ReadonlyMap<string, BoundSocket>> {
    const fresh = new Map<string, BoundSocket>();
    try {
      for (const { address, fileMode, enabled } of wanted) {
        const key = printSocketAddress(address);
        if (enabled && !this.#bound.has(key) && !fresh.has(key)) fresh.set(key, await bindSocket(address, fileMode));
      }
    } catch (error) {
      for (const bound of fresh.values()) bound.release();
      throw error;
    }
    for (const [key, bound] of fresh) this.#bound.set(key, bound);
    return fresh;
  }

  /** Lets go what is not wanted. */
  keep(wanted: readonly WantedSocket[]): void {
    const keys = new Set(wanted.filter(({ enabled }) => enabled).map(({ address }) => printSocketAddress(address)));
    for (const [key, bound] of this.#bound) if (!keys.has(key)) this.#letGo(key, bound);
  }

  /** Printed address and descriptor of each. */
  list(): readonly (readonly [string, number])[] {
    return [...this.#bound].map(([key, { fd }]) => [key, fd]);
  }

  /** Those that a process does not have, with what node can send of them. */
  *missing(known: ReadonlyMap<string, unknown>): Generator<readonly [address: string, handle: object]> {
    for (const [key, { handle }] of this.#bound) if (handle && !known.has(key)) yield [key, handle];
  }

  close(): void {
    for (const [key, bound] of this.#bound) this.#letGo(key, bound);
  }

  #letGo(key: string, bound: BoundSocket): void {
    this.#bound.delete(key);
    bound.release();
  }
}
