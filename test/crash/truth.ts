/** What a spool was told and what it promised, to be held against what it still knows after a cut. */
import type { Copy } from '../../src/module/copy.js';
import type { Spool } from '../../src/module/spool.js';
import type { SegmentSpool } from '../../src/spool/segment-spool.js';
import { textOf } from '../fixtures/copies.js';

/** offered: handed in, not promised · kept: acknowledged · ending: its end was told · ended: its end is durable. */
type State = 'offered' | 'kept' | 'ending' | 'ended';

interface Fate {
  readonly id: string;
  readonly text: string;
  state: State;
  /** What may stand there: the last durable value and everything told since. */
  attempts: number[];
  domains: string[];
}

export class Truth {
  readonly #fates = new Map<string, Fate>();
  readonly #pairs: { readonly original: string; readonly notice: string }[] = [];
  /** Ids that were damaged on purpose: they may be missing. */
  readonly damaged = new Set<string>();

  /** A copy for the next generation of the same spool. */
  branch(): Truth {
    const next = new Truth();
    for (const fate of this.#fates.values())
      next.#fates.set(fate.id, { ...fate, attempts: [...fate.attempts], domains: [...fate.domains] });
    next.#pairs.push(...this.#pairs);
    for (const id of this.damaged) next.damaged.add(id);
    return next;
  }

  get size(): number {
    return this.#fates.size;
  }

  async write(spool: Spool, copies: readonly Copy[]): Promise<void> {
    await this.#offer(copies);
    await spool.write(copies);
    for (const copy of copies) this.#of(copy).state = 'kept';
  }

  change(spool: Spool, copy: Copy, attempts: number): void {
    this.#of(copy).attempts.push(attempts);
    spool.change(copy.ticket, attempts, 1_900_000_000_000 + attempts, `451 4.3.0 attempt ${attempts}`);
  }

  move(spool: Spool, copy: Copy, domain: string): void {
    this.#of(copy).domains.push(domain);
    spool.move(copy.ticket, { group: 'default', binding: 'default', domain });
  }

  gone(spool: Spool, copy: Copy): void {
    this.#of(copy).state = 'ending';
    spool.gone(copy.ticket);
  }

  async purge(spool: Spool, copies: readonly Copy[]): Promise<void> {
    for (const copy of copies) this.#of(copy).state = 'ending';
    await spool.purge(copies.map(({ ticket }) => ticket));
    for (const copy of copies) this.#of(copy).state = 'ended';
  }

  async replace(spool: Spool, original: Copy, notice: Copy): Promise<void> {
    await this.#offer([notice]);
    this.#of(original).state = 'ending';
    this.#pairs.push({ original: original.id, notice: notice.id });
    await spool.replace([original.ticket], [notice]);
    this.#of(notice).state = 'kept';
    this.#of(original).state = 'ended';
  }

  async flush(spool: Spool): Promise<void> {
    const told = [...this.#fates.values()].map((fate) => ({
      fate,
      state: fate.state,
      attempts: fate.attempts.at(-1),
      domain: fate.domains.at(-1),
    }));
    await spool.flush();
    for (const { fate, state, attempts, domain } of told) {
      if (state === 'ending') fate.state = 'ended';
      if (attempts !== undefined) fate.attempts = fate.attempts.slice(fate.attempts.lastIndexOf(attempts));
      if (domain !== undefined) fate.domains = fate.domains.slice(fate.domains.lastIndexOf(domain));
    }
  }

  /** Everything that is wrong with what a recovered spool knows, one sentence each. */
  async faults(spool: Spool, found: ReadonlyMap<string, number>, twice: readonly string[]): Promise<string[]> {
    const faults = twice.map((id) => `${id} came back twice`);
    for (const fate of this.#fates.values()) {
      const { id, state } = fate;
      if (!found.has(id) && state === 'kept' && !this.damaged.has(id)) faults.push(`${id} was acknowledged and is not there`);
      if (found.has(id) && state === 'ended') faults.push(`${id} ended and is there again`);
    }
    for (const { original, notice } of this.#pairs) {
      // Once the notice itself ended, both are gone.
      if (this.#fates.get(notice)?.state === 'kept' || this.#fates.get(notice)?.state === 'offered')
        if (found.has(original) === found.has(notice) && this.#fates.get(original)?.state === 'ending')
          faults.push(`${original} and its notice are ${found.has(notice) ? 'both' : 'neither'} there`);
    }
    for (const [id, ticket] of found) {
      const fate = this.#fates.get(id);
      if (!fate) {
        faults.push(`${id} was never written`);
        continue;
      }
      faults.push(...(await this.#compare(spool, fate, ticket)));
    }
    return faults;
  }

  /** A life that is over: what was only offered or ending has been decided by what came back. */
  async settle(spool: Spool, found: ReadonlyMap<string, number>): Promise<void> {
    for (const [id, fate] of this.#fates) {
      if (fate.state === 'ended') continue;
      const ticket = found.get(id);
      if (ticket !== undefined && !this.damaged.has(id)) {
        const { attempts, place } = await spool.read(ticket);
        fate.attempts = [attempts];
        fate.domains = [place.domain];
      }
      fate.state = found.has(id) ? 'kept' : 'ending';
      if (!found.has(id)) this.damaged.add(id);
    }
    this.#pairs.length = 0;
  }

  async #compare(spool: Spool, fate: Fate, ticket: number): Promise<string[]> {
    const faults: string[] = [];
    try {
      const copy = await spool.read(ticket);
      if ((await textOf(copy)) !== fate.text) faults.push(`${fate.id} has other octets`);
      if (!fate.attempts.includes(copy.attempts))
        faults.push(`${fate.id} has ${copy.attempts} attempts, not one of ${fate.attempts.join(' ')}`);
      if (!fate.domains.includes(copy.place.domain)) faults.push(`${fate.id} lies at ${copy.place.domain}`);
      if (copy.attempts > 0 && copy.lastReply !== `451 4.3.0 attempt ${copy.attempts}`) faults.push(`${fate.id}: ${copy.lastReply}`);
    } catch (error) {
      if (!this.damaged.has(fate.id)) faults.push(`${fate.id} cannot be read: ${String(error)}`);
    }
    return faults;
  }

  async #offer(copies: readonly Copy[]): Promise<void> {
    for (const copy of copies) {
      this.#fates.set(copy.id, {
        id: copy.id,
        text: await textOf(copy),
        state: 'offered',
        attempts: [copy.attempts],
        domains: [copy.place.domain],
      });
    }
  }

  #of(copy: Copy): Fate {
    const fate = this.#fates.get(copy.id);
    if (!fate) throw new RangeError(`${copy.id} was not offered`);
    return fate;
  }
}

/** Recovers a spool and says what came back. */
export async function recoverAll(spool: SegmentSpool): Promise<{ readonly found: Map<string, number>; readonly twice: string[] }> {
  const found = new Map<string, number>();
  const twice: string[] = [];
  await spool.recover((ticket) => {
    const id = spool.id(ticket);
    if (found.has(id)) twice.push(id);
    found.set(id, ticket);
  }, new AbortController().signal);
  return { found, twice };
}
