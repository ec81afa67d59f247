/** The beginning of a call: banner, EHLO or HELO, and TLS as the door demands. */
import { formatOneLine, type Reply } from '../../mail/reply.js';
import { type ProbeDoor, ProbeFailure } from '../../module/probe.js';
import type { Call } from './call.js';

/** Resolves when the server may be asked. Rejects with a ProbeFailure; the call is the caller's to end. */
export async function greet(call: Call, door: ProbeDoor): Promise<void> {
  expectCode(await call.hear(), 220);
  await introduce(call);
  if (door.tls === 'no') return;
  if (!call.can.startTls) {
    if (door.tls === 'required') throw new ProbeFailure('unreached', `${door.host} does not offer STARTTLS`);
    return;
  }
  const said = await call.say('STARTTLS');
  if (said.code === 220) {
    await call.secure();
    await introduce(call);
    return;
  }
  if (said.code < 400) throw breach(said);
  if (door.tls === 'required' || said.code === 421)
    throw new ProbeFailure('unreached', `${door.host} does not begin TLS: ${formatOneLine(said)}`);
}

/** RFC 5321 3.2: a server that does not know EHLO is asked with HELO. 421 is no opinion on EHLO. */
async function introduce(call: Call): Promise<void> {
  const said = await call.hello('EHLO');
  if (said.code >= 500) expectCode(await call.hello('HELO'), 250);
  else expectCode(said, 250);
}

function expectCode(said: Reply, code: number): void {
  if (said.code === code) return;
  if (said.code < 400) throw breach(said);
  throw new ProbeFailure('refused', `the server refuses us: ${formatOneLine(said)}`, said);
}

const breach = (said: Reply): ProbeFailure => new ProbeFailure('broken', `${said.code} where it cannot stand`);
