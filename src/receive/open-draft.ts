/** The draft of a message that MAIL began: what is known of it before anything of it has come. */
import type { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { bodyOf, Copy } from '../module/copy.js';
import type { Protocol, Reception } from '../module/message.js';
import type { Session } from '../module/session.js';
import type { MailParams } from '../smtp/server/reception.js';
import type { ReceivePorts } from './ports.js';

const EMPTY_BODY = bodyOf([]);
const NO_HEADERS = Buffer.alloc(0);

/** Opens it, with ids of its own for the message and its batch. */
export function openDraft(
  { nextId, clock }: Pick<ReceivePorts, 'nextId' | 'clock'>,
  session: Session,
  sender: Address | null,
  params: MailParams,
): Copy {
  const source = session.peer.ip === '' ? undefined : session.peer;
  const reception: Reception = {
    batchId: nextId(),
    connectionId: session.id,
    protocol: session.protocol satisfies Protocol,
    ...(source && { source }),
    local: session.local,
    receivedAt: clock.now(),
    sender,
    facts: session.facts.clone(),
    ...(session.helo !== undefined && { helo: session.helo }),
    ...(session.user !== undefined && { user: session.user }),
    ...(session.pathway !== undefined && { pathway: session.pathway }),
    smtpUtf8: params.smtpUtf8,
    ...(params.requireTls && { requireTls: true }),
    ...(params.envelopeId !== undefined && { envelopeId: params.envelopeId }),
    ...(params.returnContent !== undefined && { returnContent: params.returnContent }),
  };
  return new Copy(nextId(), reception, [], new Headers(NO_HEADERS), EMPTY_BODY, new Facts());
}
