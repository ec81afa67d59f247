/** What a connection says of the mail it carries: the name in EHLO, who brought it with XCLIENT, and whom it logs in as. Pure. */
import type { Message } from '../module/message.js';
import { type Origin, originOf } from '../smtp/client/xclient.js';
import type { Identity } from './identities.js';
import type { DeliveryValues } from './settings.js';

export interface Persona {
  /** Name in EHLO. */
  readonly helo: string;
  /** Undefined where XCLIENT is not wanted. */
  readonly origin: Origin | undefined;
  /** Undefined where it does not log in. */
  readonly identity: Identity | undefined;
}

type PersonaValues = Pick<DeliveryValues, 'ehlo_hostname' | 'xclient'>;

const MESSAGE_NAME = '__message__';
const HOST_NAME = '__hostname__';

/** Connections of such a place are not alike: each stands for some of its mail only. */
export const isPersonal = ({ ehlo_hostname: name, xclient }: PersonaValues): boolean => name === MESSAGE_NAME || xclient !== 'no';

/** The persona that a mail asks for; without a mail that of a place where all connections are alike. */
export function personaOf(
  mail: Pick<Message, 'sender' | 'reception'> | undefined,
  values: PersonaValues,
  hostname: string,
  identity: Identity | undefined,
): Persona {
  const { ehlo_hostname: name, xclient } = values;
  const helo = name === MESSAGE_NAME ? mail?.sender?.domain || hostname : name === HOST_NAME ? hostname : name;
  return { helo, origin: xclient === 'no' || !mail ? undefined : originOf(mail.reception), identity };
}
