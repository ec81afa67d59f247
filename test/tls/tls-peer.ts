/** A second SMTP implementation (npm smtp-server) with TLS as a next hop: what it was sent, and whether that was encrypted. */
import fs from 'node:fs';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Identity } from './authority.js';

export interface TlsPeer {
  readonly port: number;
  readonly arrived: readonly {
    readonly secure: boolean;
    readonly serverName: string;
    readonly to: readonly string[];
    readonly text: string;
  }[];
  close(): Promise<void>;
}

/** Listens on a free port of `host`. Without an identity it offers no STARTTLS. */
export async function startTlsPeer(
  identity: Identity | undefined,
  more: SMTPServerOptions = {},
  host = '127.0.0.1',
  port = 0,
): Promise<TlsPeer> {
  const arrived: { secure: boolean; serverName: string; to: string[]; text: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: identity ? ['AUTH'] : ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    ...(identity && { cert: fs.readFileSync(identity.chain), key: fs.readFileSync(identity.key) }),
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const serverName = String((session as { servername?: unknown }).servername ?? '');
        const to = session.envelope.rcptTo.map(({ address }) => address);
        arrived.push({ secure: session.secure, serverName, to, text: Buffer.concat(chunks).toString('latin1') });
        done();
      });
    },
    ...more,
  });
  server.on('error', () => {});
  const listening = await new Promise<{ port: number }>((ready) => {
    const it = server.listen(port, host, () => ready(it.address() as { port: number }));
  });
  return { port: listening.port, arrived, close: () => new Promise((done) => server.close(() => done())) };
}
