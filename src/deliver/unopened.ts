/** What becomes of mail for which no connection was made: the words of those who barred it, and the facts of its attempt. */
import { STAGE } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import type { Failure } from '../smtp/client/session.js';
import { WORDS } from '../smtp/client/words.js';
import type { AttemptFacts } from './conclude.js';
import type { Link } from './link.js';

/** The sender wants the mail delivered even without TLS (RFC 8689 4.2). A reception that said REQUIRETLS is not overruled by the header. */
export const mayGoInClear = (mail: Copy | undefined): boolean =>
  mail !== undefined && !mail.reception.requireTls && mail.headers.get('TLS-Required')?.trim().toLowerCase() === 'no';

/** The domain's policy does not let us connect to the host. */
export const barredBy = (fault: string): Failure => ({ kind: 'refused', reply: WORDS.tlsBarred, stage: STAGE.notConnected, detail: fault });

/** A module keeps us from connecting to the host. */
export const vetoed = (reply: string): Failure => ({ kind: 'refused', reply, stage: STAGE.notConnected, detail: 'veto' });

/** The attempt of mail whose connection could not be made: the last host's answer stands for all. */
export function factsOf(link: Link): AttemptFacts {
  const { failure, session, hop } = link;
  const reply = failure?.reply ?? WORDS.noHosts;
  const isConnected = failure !== undefined && failure.kind !== 'connect' && failure.stage !== STAGE.notConnected;
  return {
    outcome: reply.startsWith('5') ? 'failed' : 'deferred',
    reply,
    stage: failure?.stage ?? STAGE.notConnected,
    bytes: 0,
    possibleDuplicate: false,
    connectionId: isConnected ? (session?.id ?? '') : '',
    hop,
    tls: undefined,
    quiet: false,
  };
}
