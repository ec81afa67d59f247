/** Context variables of a connection or a message: short texts by name. Made of nothing until the first one is set. */

const NONE: ReadonlyMap<string, string> = new Map();

export class Facts implements Iterable<readonly [string, string]> {
  #map: Map<string, string> | undefined;

  get(key: string): string | undefined {
    return this.#map?.get(key);
  }

  set(key: string, value: string): void {
    this.#map ??= new Map();
    this.#map.set(key, value);
  }

  has(key: string): boolean {
    return this.#map?.has(key) ?? false;
  }

  delete(key: string): void {
    this.#map?.delete(key);
  }

  clear(): void {
    this.#map = undefined;
  }

  get size(): number {
    return this.#map?.size ?? 0;
  }

  clone(): Facts {
    const copy = new Facts();
    if (this.#map && this.#map.size > 0) copy.#map = new Map(this.#map);
    return copy;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return (this.#map ?? NONE).entries();
  }

  /** Octets for the spool: for each pair two lengths (u16 key, u32 value) and the texts in UTF-8. Empty for no facts. */
  encode(): Buffer {
    if (!this.#map || this.#map.size === 0) return EMPTY;
    const parts: Buffer[] = [];
    for (const [key, value] of this.#map) {
      const k = Buffer.from(key, 'utf8');
      const v = Buffer.from(value, 'utf8');
      if (k.length > 0xffff) throw new RangeError('the name of a context variable is longer than 65535 octets');
      const head = Buffer.allocUnsafe(6);
      head.writeUInt16BE(k.length, 0);
      head.writeUInt32BE(v.length, 2);
      parts.push(head, k, v);
    }
    return Buffer.concat(parts);
  }

  /** Facts from octets. Throws RangeError when they are cut short. */
  static decode(bytes: Buffer): Facts {
    const facts = new Facts();
    for (let at = 0; at < bytes.length; ) {
      const keyEnd = at + 6 + bytes.readUInt16BE(at);
      const end = keyEnd + bytes.readUInt32BE(at + 2);
      if (end > bytes.length) throw new RangeError('the context variables are cut short');
      facts.set(bytes.toString('utf8', at + 6, keyEnd), bytes.toString('utf8', keyEnd, end));
      at = end;
    }
    return facts;
  }
}

const EMPTY = Buffer.alloc(0);
