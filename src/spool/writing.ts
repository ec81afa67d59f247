/** Receptions on their way to a part: encoded, handed to its log, and taken into the stock as soon as they are durable. */
import path from 'node:path';
import type { Copy } from '../module/copy.js';
import type { Body } from '../module/message.js';
import type { LargeBody } from '../module/spool.js';
import { encodeReception } from './encode-reception.js';
import { writeId } from './id-octets.js';
import { LARGE, LargeWriter } from './large.js';
import type { Part } from './part.js';
import { type End, type Landing, PendingWrite } from './pending-write.js';
import { placeText } from './place-names.js';
import { problems, wordsFor } from './problems.js';
import { BODY } from './quarantine.js';
import type { Segment } from './segment.js';
import type { Stock } from './stock.js';
import { FLAG, flagPriority } from './table.js';

const idOctets = Buffer.alloc(8);

export class Writing implements Landing {
  readonly #stock: Stock;
  readonly #gone: (ticket: number) => void;
  #largeNumber = 0;

  /** `gone` ends a message that was replaced. */
  constructor(stock: Stock, gone: (ticket: number) => void) {
    this.#stock = stock;
    this.#gone = gone;
  }

  /** Resolves when the copies are durable there, and `ends` with them. */
  append(part: Part, copies: readonly Copy[], ends: readonly End[]): Promise<void> {
    const inside = path.join(part.folder, LARGE);
    const isForeign = ({ content: { file } }: Copy): boolean => file !== undefined && path.dirname(file) !== inside;
    return copies.some(isForeign) ? this.#bringAndAppend(part, copies, ends, inside) : this.#appendNow(part, copies, ends);
  }

  async openLarge({ options, folder, upkeep }: Part): Promise<LargeBody> {
    const { large } = this.#stock;
    const file = path.join(folder, LARGE, `${options.random(6).toString('hex')}-${this.#largeNumber++}${BODY}`);
    large.expect(file);
    try {
      const handle = await options.disk.open(file, 'create', options.permissions);
      return new LargeWriter(
        options.disk,
        handle,
        (path) => large.forget(path),
        (body) => upkeep.examineBody(body.file, () => body.isWhole()),
      );
    } catch (error) {
      large.forget(file);
      throw problems.DISK.because(error, wordsFor(error));
    }
  }

  /** The copies are durable there: they get their tickets, and what they replace ends in the same turn. */
  land(copies: readonly Copy[], ends: readonly End[], segment: Segment, offset: number, length: number): void {
    const weight = Math.ceil(length / copies.length);
    const shared = copies.length > 1 ? FLAG.shared : 0;
    for (let index = 0; index < copies.length; index++) {
      const copy = copies[index] as Copy;
      writeId(copy.id, idOctets, 0);
      copy.unspooled = undefined;
      copy.ticket = this.#stock.adopt(segment, {
        offset,
        index,
        weight,
        idHigh: idOctets.readUInt32BE(0),
        idLow: idOctets.readUInt32BE(4),
        receivedAt: copy.reception.receivedAt,
        attempts: copy.attempts,
        next: copy.nextAttempt,
        flags: shared | flagPriority(copy.priority) | (copy.quarantined === undefined ? 0 : FLAG.quarantined),
        place: placeText(copy.place),
        reply: copy.lastReply,
        file: copy.content.file,
      });
    }
    const { table } = this.#stock;
    // Meanwhile it may have ended otherwise, and its ticket may be somebody else's.
    for (const { ticket, high, low } of ends) if (table.idHigh[ticket] === high && table.idLow[ticket] === low) this.#gone(ticket);
  }

  /** Nothing became of the write: bodies of their own that nobody else uses go at once. */
  giveUp(part: Part, copies: readonly Copy[]): void {
    // A record may be on the medium though nobody was told so; a start finds the body missing then, and nobody misses the mail.
    for (const { content } of copies) this.forget(part, content);
  }

  /** A large body that no message is made of after all. */
  forget({ options }: Part, { file }: Body): void {
    const { large } = this.#stock;
    if (file === undefined) return;
    large.forget(file);
    if (!large.uses(file)) options.disk.remove(file).catch(() => {});
  }

  #appendNow(part: Part, copies: readonly Copy[], ends: readonly End[]): Promise<void> {
    return new Promise<void>((done, failed) => {
      const { health, options, accepts } = part;
      try {
        if (health.failing !== undefined) throw problems.DISK(health.failing);
        if (accepts.backlog > options.backlogBytes) throw problems.BEHIND(String(accepts.backlog));
        accepts.append(new PendingWrite(encodeReception(copies, ends), part, copies, ends, this, done, failed));
      } catch (error) {
        this.giveUp(part, copies);
        failed(error);
      }
    });
  }

  /** Bodies that lie in another part's folder are copied first. */
  async #bringAndAppend(part: Part, copies: readonly Copy[], ends: readonly End[], inside: string): Promise<void> {
    const before = copies.map(({ content }) => content);
    const brought = new Map<Body, Body>();
    try {
      for (const copy of copies) {
        const { content } = copy;
        if (content.file === undefined || path.dirname(content.file) === inside) continue;
        const known = brought.get(content) ?? (await this.#copyBody(part, content));
        brought.set(content, known);
        copy.content = known;
      }
      await this.#appendNow(part, copies, ends);
    } catch (error) {
      copies.forEach((copy, n) => {
        copy.content = before[n] ?? copy.content;
      });
      throw error;
    }
  }

  async #copyBody(part: Part, content: Body): Promise<Body> {
    const copy = await this.openLarge(part);
    try {
      for await (const chunk of content.read()) await copy.write(chunk);
    } catch (error) {
      await copy.abandon();
      throw error;
    }
    return copy.finish(content);
  }
}
