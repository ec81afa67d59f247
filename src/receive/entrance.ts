/** The way in for messages that are made here: the same hooks as for SMTP, without a session. */
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import type { Reply } from '../mail/reply.js';
import { Copy } from '../module/copy.js';
import type { Entrance, MadeMessage } from '../module/flow.js';
import { answerAll } from './answers.js';
import { deliverCopies } from './doorstep.js';
import { keepCopies } from './keep.js';
import type { ReceivePorts } from './ports.js';
import { queuedAs } from './replies.js';
import type { Passage, Transit } from './transit.js';

/** Before a notice that could not be delivered is tried again; after the last it is refused. Shorter together than who waits for its end. */
const PAUSES_MS: readonly number[] = [1000, 5000, 30_000, 60_000];

export class InnerEntrance implements Entrance {
  readonly #ports: ReceivePorts;
  readonly #transit: Transit;

  constructor(ports: ReceivePorts, transit: Transit) {
    this.#ports = ports;
    this.#transit = transit;
  }

  /**
   * What a module delivers itself is delivered here, before the rest is written: a notice is written in one group with the end of the
   * mail it tells of, and nothing could be delivered again after that. A crash in between may deliver it twice, never lose it. A
   * mailbox that fails for now is tried a few times.
   */
  async prepare(made: MadeMessage, signal: AbortSignal): ReturnType<Entrance['prepare']> {
    const { draft, passage } = await this.#pass(made);
    const taken =
      passage.kind === 'copies' && passage.doorstep
        ? await deliverCopies(this.#ports, passage, passage.doorstep, draft, null, { pausesMs: PAUSES_MS, signal })
        : passage;
    if (taken.kind === 'refused') return { refused: taken.reply };
    if (taken.kind === 'discarded') return { copies: [] };
    return taken.delivered?.length ? { copies: taken.copies, arrived: true } : { copies: taken.copies };
  }

  admit(copies: readonly Copy[]): void {
    const { received } = this.#ports.rules().chains;
    for (const copy of copies) {
      this.#ports.queue.insert(copy);
      received.run(copy, null);
    }
  }

  /** Takes a message all the way in; resolves when it is durable. The copies are those that were taken. */
  async inject(made: MadeMessage): Promise<{ readonly reply: Reply; readonly copies: readonly Copy[] }> {
    const ports = this.#ports;
    const { draft, passage } = await this.#pass(made);
    if (passage.kind === 'refused') return { reply: passage.reply, copies: [] };
    if (passage.kind === 'discarded') return { reply: queuedAs(''), copies: [] };
    await keepCopies(ports.spool, passage.copies);
    if (!passage.doorstep) {
      this.admit(passage.copies);
      return { reply: queuedAs(passage.copies[0]?.id ?? ''), copies: passage.copies };
    }
    const taken = await deliverCopies(ports, passage, passage.doorstep, draft, null);
    if (taken.kind === 'refused') {
      ports.spool.forget(draft.content);
      return { reply: taken.reply, copies: [] };
    }
    this.admit(taken.copies);
    // Nobody else would hear of them.
    for (const { copy, reply } of taken.refused) ports.refusedCopy(copy, reply);
    return { reply: answerAll(taken, draft.id), copies: [...taken.copies, ...(taken.delivered ?? []).map(({ copy }) => copy)] };
  }

  async #pass(made: MadeMessage): Promise<{ readonly draft: Copy; readonly passage: Passage }> {
    const ports = this.#ports;
    const draft = new Copy(
      ports.nextId(),
      {
        batchId: ports.nextId(),
        connectionId: '00/00-00000-00000000',
        protocol: made.protocol,
        receivedAt: ports.clock.now(),
        sender: made.sender,
        facts: new Facts(),
        smtpUtf8: made.recipients.some((address) => address.isInternational) || made.sender?.isInternational === true,
      },
      [...made.recipients],
      new Headers(made.headers),
      made.content,
      made.facts ?? new Facts(),
    );
    draft.notice = made.notice;
    if (made.priority !== undefined) draft.priority = made.priority;
    const recipients = made.recipients.map((address, origin) => ({ origin, address, notify: 0, originalRecipient: undefined }));
    return { draft, passage: await this.#transit.pass(draft, recipients, ports.rules()) };
  }
}
