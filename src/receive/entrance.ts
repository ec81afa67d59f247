/** The way in for messages that are made here: the same hooks as for SMTP, without a session. */
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import type { Reply } from '../mail/reply.js';
import { Copy } from '../module/copy.js';
import type { Entrance, MadeMessage } from '../module/flow.js';
import { keepCopies } from './keep.js';
import type { ReceivePorts } from './ports.js';
import { queuedAs } from './replies.js';
import type { Transit } from './transit.js';

export class InnerEntrance implements Entrance {
  readonly #ports: ReceivePorts;
  readonly #transit: Transit;

  constructor(ports: ReceivePorts, transit: Transit) {
    this.#ports = ports;
    this.#transit = transit;
  }

  async prepare(made: MadeMessage): Promise<{ readonly copies: readonly Copy[] } | { readonly refused: Reply }> {
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
    const recipients = made.recipients.map((address, origin) => ({ origin, address, notify: 0, originalRecipient: undefined }));
    const passage = await this.#transit.pass(draft, recipients, ports.rules());
    if (passage.kind === 'refused') return { refused: passage.reply };
    return { copies: passage.kind === 'copies' ? passage.copies : [] };
  }

  admit(copies: readonly Copy[]): void {
    const { received } = this.#ports.rules().chains;
    for (const copy of copies) {
      this.#ports.queue.insert(copy);
      received.run(copy, null);
    }
  }

  /** Takes a message all the way in; resolves when it is durable. */
  async inject(made: MadeMessage): Promise<{ readonly reply: Reply; readonly copies: readonly Copy[] }> {
    const prepared = await this.prepare(made);
    if ('refused' in prepared) return { reply: prepared.refused, copies: [] };
    if (prepared.copies.length > 0) {
      await keepCopies(this.#ports.spool, prepared.copies);
      this.admit(prepared.copies);
    }
    return { reply: queuedAs(prepared.copies[0]?.id ?? ''), copies: prepared.copies };
  }
}
