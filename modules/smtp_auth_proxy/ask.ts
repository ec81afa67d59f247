/** Asks the servers one after the other whether a password is right. */
import { type Login, ProbeFailure, type ProbeService, type ProbeVisit } from '#module';
import type { Backend, Backends } from './backend.js';

export interface AskTerms {
  readonly probes: ProbeService;
  readonly backends: Backends;
  /** For all servers together. */
  readonly timeoutMs: number;
  readonly most: number;
  readonly requireTls: boolean;
  readonly verifyTls: boolean;
  /** Milliseconds. */
  now(): number;
  /** A server cannot say yes or no any more, or can again. */
  changed(backend: Backend, trouble: string | undefined): void;
}

/** Without an answer from any of them it is `error`. Rejects with the reason of the signal. */
export async function ask(terms: AskTerms, user: string, secret: string, signal: AbortSignal): Promise<'ok' | 'no' | 'error'> {
  const { probes, backends, timeoutMs, now } = terms;
  const endsAt = now() + timeoutMs;
  const order = backends.inTurn(now());
  for (const [i, backend] of order.entries()) {
    // The wall clock may have jumped; no share is longer than the whole.
    const left = Math.min(timeoutMs, endsAt - now());
    if (left <= 0) break;
    let trouble: string;
    try {
      const code = await probes.visit(
        { ...backend, tls: terms.requireTls ? 'required' : 'ifavailable', verify: terms.verifyTls },
        { timeoutMs: left / (order.length - i), most: terms.most, idleMs: 0, signal },
        (visit) => show(visit, user, secret, !terms.requireTls),
      );
      if (code === 235 || code === 535) {
        if (backends.worked(backend)) terms.changed(backend, undefined);
        return code === 235 ? 'ok' : 'no';
      }
      // Only the code: a server may repeat what it was told.
      trouble = `${code} to AUTH`;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof ProbeFailure)) throw error;
      trouble = error.message;
    }
    if (backends.failed(backend, now())) terms.changed(backend, trouble);
  }
  return 'error';
}

async function show(visit: ProbeVisit, user: string, secret: string, inClear: boolean): Promise<number> {
  const offered = (visit.keywords.get('AUTH') ?? '').toUpperCase().split(/\s+/);
  const mechanism: Login['mechanism'] = !offered.includes('PLAIN') && offered.includes('LOGIN') ? 'LOGIN' : 'PLAIN';
  const { code } = await visit.logIn({ mechanism, user, secret, inClear, refused: 'tempfail' });
  return code;
}
