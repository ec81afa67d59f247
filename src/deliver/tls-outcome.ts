/** What the end of a greeting says about TLS, told to whoever collects it for reports. */
import { STAGE } from '../module/attempt.js';
import type { RankedHop } from '../module/resolver.js';
import type { TlsFault } from '../module/tls-demand.js';
import { faultOf } from '../smtp/client/judge-peer.js';
import type { Failure } from '../smtp/client/session.js';
import type { Link } from './link.js';
import type { DeliveryPorts, OutboundSession } from './ports.js';
import type { Station } from './station.js';

/** A connection was greeted. */
export function tellGreeted({ tlsWent }: DeliveryPorts, { station, session }: Link, hop: RankedHop): void {
  // Where TLS was not tried, nothing is known of it; why it is not tried any more was told when it failed.
  if (!tlsWent || !session || session.terms.tls === 'no') return;
  const fault = session.tls ? (session.judgement?.fault ?? hop.demand?.barred) : 'starttls-not-supported';
  tlsWent(outcomeOf(station, hop, fault, fault ?? ''));
}

/** A connection was not made, or not to its end; only what TLS had to do with counts. */
export function tellFailure({ tlsWent }: DeliveryPorts, station: Station, hop: RankedHop, failure: Failure): void {
  if (!tlsWent) return;
  const fault = failure.stage === STAGE.notConnected ? hop.demand?.barred : faultOfFailure(failure);
  if (fault) tlsWent(outcomeOf(station, hop, fault, failure.detail));
}

const outcomeOf = ({ place, values }: Station, hop: RankedHop, fault: TlsFault | undefined, detail: string) => ({
  domain: place.domain,
  policy: hop.demand?.policy,
  fault,
  detail,
  host: hop.name,
  ip: hop.ip,
  source: values.bind_address,
});

function faultOfFailure({ kind, stage, detail }: Failure): TlsFault | undefined {
  if (kind === 'refused') {
    const wasAsked = stage === STAGE.afterStartTls || detail === 'STARTTLS not offered';
    return wasAsked ? 'starttls-not-supported' : undefined;
  }
  if (kind !== 'tls' || detail === 'settings') return undefined;
  return isFault(detail) ? detail : faultOf(detail);
}

const FAULTS: ReadonlySet<string> = new Set<TlsFault>([
  'certificate-host-mismatch',
  'certificate-expired',
  'certificate-not-trusted',
  'validation-failure',
]);
const isFault = (detail: string): detail is TlsFault => FAULTS.has(detail);

/** TLS facts as logs carry them: `policy` is whose demand the session stood under, `proven` whether the host is the one it should be. */
export const namePolicy = (tls: object, { judgement }: OutboundSession, policy: string | undefined): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(Object.entries(tls).map(([key, value]) => [key, String(value)])),
  proven: String(judgement?.isProven === true),
  ...(policy !== undefined && { policy }),
});
