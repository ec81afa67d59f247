/** A daemon with a certificate, passwords and several sockets, for clients of the outside world; mail that it takes goes to a sink. */
import fs from 'node:fs';
import path from 'node:path';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, plainConf } from '../harness/place.js';
import { Authority, type Identity } from '../tls/authority.js';

export const NAME = 'mta.celeris.test';
export const USER = 'alice';
export const PASSWORD = 'open sesame: 42#';

export interface Reception<Socket extends string> extends AsyncDisposable {
  readonly sink: Sink;
  readonly daemon: Daemon;
  readonly authority: Authority;
  /** A certificate for customer.test of the authority that is trusted. */
  readonly customer: Identity;
  /** The same name from an authority nobody knows. */
  readonly stranger: Identity;
  readonly ports: Readonly<Record<Socket, number>>;
}

/**
 * Starts it. `sockets`: by name the options of each Listen; who logs in may relay, nobody else, unless an option says so.
 * `more` ends the configuration; it is given the folder of certificates, where further files may lie.
 */
export async function startReception<Socket extends string>(
  sockets: Readonly<Record<Socket, string>>,
  more: string | ((folder: string) => string) = '',
): Promise<Reception<Socket>> {
  const authority = new Authority();
  const others = new Authority();
  const own = authority.issue(NAME);
  const passwords = path.join(authority.folder, 'passwords');
  fs.writeFileSync(passwords, `${USER}:${PASSWORD}\n`, { mode: 0o600 });
  const uri = `[ uri = "file://${passwords}" ]`;
  const mechanisms = ['plain', 'login', 'crammd5', 'digestmd5', 'scram'].map((name) => `  auth${name}parameters = ${uri}`);
  const ports: Record<string, number> = {};
  for (const name of Object.keys(sockets)) ports[name] = await freePort();
  const listener = [
    'ESMTP_Listener {',
    `  tls_certificate = "${own.chain}"  tls_key = "${own.key}"  tls_client_ca = "${authority.root.cert}"`,
    ...mechanisms,
    ...Object.entries<string>(sockets).map(([name, options]) => `  Listen "127.0.0.1:${ports[name]}" { ${options} }`),
  ];
  const sink = await startSink();
  const daemon = await startDaemon({
    conf: (place) =>
      plainConf(place, { sinkPort: sink.port, more: `${typeof more === 'string' ? more : more(authority.folder)}\n` })
        .replace('relay_hosts = ( 127.0.0.0/8 )\n', '')
        .replace('ESMTP_Listener {', listener.join('\n')),
  });
  return {
    sink,
    daemon,
    authority,
    customer: authority.issue('customer.test'),
    stranger: others.issue('customer.test'),
    ports: ports as Record<Socket, number>,
    async [Symbol.asyncDispose]() {
      await daemon.end();
      await sink.close();
      authority.end();
      others.end();
    },
  };
}
