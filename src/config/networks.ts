/** A list of networks as it was written, that can be asked. */
import { CidrSet, parseCidr } from '../kernel/cidr.js';

export class Networks {
  /** As written. */
  readonly texts: readonly string[];
  readonly #set = new CidrSet();

  constructor(texts: readonly string[]) {
    this.texts = Object.freeze([...texts]);
    for (const text of texts) {
      const network = parseCidr(text);
      if (network) this.#set.add(network);
    }
    Object.freeze(this);
  }

  /** True when one of the networks holds the address; false for what is no address. */
  has(ip: string): boolean {
    return this.#set.size > 0 && this.#set.has(ip);
  }

  get size(): number {
    return this.#set.size;
  }
}
