/** Where a daemon under test lives: a temporary folder and free ports; and the plainest configuration for it. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** A folder of its own and a port for SMTP. */
export interface Place {
  readonly dir: string;
  readonly port: number;
  /** Unix socket of the console. */
  readonly consolePath: string;
}

/** A port nobody listens on now. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = net.createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a listening socket has no port');
  return address.port;
}

/** Makes a temporary folder, readable by daemons that give up root, and finds a port. The caller removes `dir`. */
export async function makePlace(name = 'celeris'): Promise<Place> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `${name}-`));
  fs.chmodSync(dir, 0o755);
  return { dir, port: await freePort(), consolePath: path.join(dir, 'console.sock') };
}

/** What varies between plain configurations. */
export interface PlainConf {
  /** Everything goes to this port of 127.0.0.1; without it mail goes by DNS. */
  readonly sinkPort?: number;
  /** Further lines at the end. */
  readonly more?: string;
}

/** A whole configuration for a place: one listener, a console, the four logs, mail to the sink, the running user's own identity. */
export function plainConf(place: Place, { sinkPort, more = '' }: PlainConf = {}): string {
  const at = (name: string): string => path.join(place.dir, name);
  const user = os.userInfo();
  const group = process.getgid?.() === 0 ? 'root' : String(process.getgid?.() ?? '');
  const lines = [
    'hostname = "mta.celeris.test"',
    `spoolbase = "${at('spool')}"`,
    `masterdb_file = "${at('ecdb')}"`,
    'relay_hosts = ( 127.0.0.0/8 )',
    `security { user = "${user.username}" group = "${group}" }`,
    ...(sinkPort !== undefined ? ['gateway = "[127.0.0.1]"', `remote_smtp_port = ${sinkPort}`] : []),
    `ESMTP_Listener { Listen "127.0.0.1:${place.port}" { } }`,
    `Control_Listener { Listen "${place.consolePath}" { } }`,
    'ec_logger "main" {',
    ...['mainlog', 'rejectlog', 'paniclog', 'acctlog'].map((log) => `  ${log} = "${at(`${log}.ec`)}"`),
    '}',
  ];
  return `${lines.join('\n')}\n${more}`;
}
