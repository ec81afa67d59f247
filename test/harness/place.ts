/** Where a daemon under test lives: a temporary folder and free ports; and the plainest configuration for it. */
import { randomInt } from 'node:crypto';
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

/** Below those that the system gives to clients: one of them could take such a port before it is used. */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_000;

/** A port nobody listens on now. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    const server = net.createServer();
    const isFree = await new Promise<boolean>((done) => {
      server.once('error', () => done(false));
      server.listen(port, host, () => done(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error(`no port of ${host} is free`);
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
