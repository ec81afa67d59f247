/** Ill-behaved servers by name (bad-inputs 34 to 41), each started on a port of its own: for soaks and for any test that needs one. */
import type net from 'node:net';
import tls from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { type Caller, DEEDS, type Peer, polite, type Script, startPeer } from './peer.js';

const answering = (verb: string, text: string, keywords?: readonly string[]): Script =>
  polite({ answer: (asked) => (asked === verb ? text : undefined), ...(keywords && { keywords }) });
const { HANG, FIN, RST } = DEEDS;
const FLOOD = 'x'.repeat(1 << 20);

/** Answers one octet at a time, for ever slower than any deadline would like. */
const dripping: Script = async (caller) => {
  for (const octet of `220 ${'slow '.repeat(200)}`) {
    if (caller.socket.destroyed) return;
    caller.say(octet);
    await new Promise((done) => setTimeout(done, 50));
  }
};

/** Talks without end and without a line. */
const babbling: Script = async ({ socket }) => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(FLOOD.slice(0, 65_536)));
  };
  socket.on('drain', more);
  more();
};

/** Offers STARTTLS; what follows its 220 is up to `upgrade`. In clear it behaves. */
const secureWith = (upgrade: (caller: Caller) => void): Script =>
  polite({
    keywords: ['PIPELINING', 'STARTTLS'],
    answer: async (verb, _, caller) => {
      if (verb !== 'STARTTLS') return undefined;
      caller.say('220 go ahead\r\n');
      setTimeout(() => upgrade(caller), 5);
      return HANG;
    },
  });

/** Accepts recipients by turns. */
const everyOther = (reply: string): Script => {
  let count = 0;
  return polite({ answer: (verb) => (verb === 'RCPT' && count++ % 2 === 0 ? reply : undefined) });
};

/** What `startBehaviour` knows, by name: raw peers first. */
const SCRIPTS: Readonly<Record<string, Script>> = {
  'mute at connect': answering('BANNER', HANG),
  'mute at EHLO': answering('EHLO', HANG),
  'mute at MAIL': answering('MAIL', HANG),
  'mute at RCPT': answering('RCPT', HANG, []),
  'mute at DATA': answering('DATA', HANG),
  'mute after the dot': answering('MESSAGE', HANG),
  'mute after STARTTLS': secureWith(() => {}),
  'closes at connect': answering('BANNER', FIN),
  'closes at MAIL': answering('MAIL', FIN),
  'closes after 354': async (caller) => polite({ answer: (verb) => (verb === 'DATA' ? closeAfter354(caller) : undefined) })(caller),
  'closes after the dot': answering('MESSAGE', FIN),
  'resets at connect': answering('BANNER', RST),
  'resets at MAIL': answering('MAIL', RST),
  'resets in the body': async (caller) => polite({ answer: (verb) => (verb === 'DATA' ? resetLater(caller) : undefined) })(caller),
  'a line of 1 MB': answering('RCPT', `250 ${FLOOD}\r\n`),
  '10,000 lines': answering('EHLO', '250-x\r\n'.repeat(10_000)),
  'mixed codes': answering('MAIL', '250-a\r\n550 b\r\n'),
  'no blank': answering('DATA', '354go\r\n'),
  'NUL in a reply': answering('MAIL', '250 o\0k\r\n'),
  'no code': answering('EHLO', 'hello yourself\r\n'),
  'answers in advance': answering('BANNER', '220 hi\r\n250 hi\r\n250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n'),
  'drips octets': dripping,
  'babbles without lines': babbling,
  HTTP: answering('BANNER', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
  '421 banner': answering('BANNER', '421 4.3.2 busy\r\n'),
  '554 banner': answering('BANNER', '554 5.7.1 go away\r\n'),
  '550 to EHLO and HELO': polite({ answer: (verb) => (verb === 'EHLO' || verb === 'HELO' ? '550 no\r\n' : undefined) }),
  '421 to MAIL': answering('MAIL', '421 4.3.2 enough\r\n'),
  '421 after the dot': answering('MESSAGE', '421 4.3.2 enough\r\n'),
  '250 to DATA': answering('DATA', '250 sure\r\n'),
  '354 to the dot': answering('MESSAGE', '354 more\r\n'),
  '452 to RCPT': answering('RCPT', '452 4.2.2 full\r\n'),
  '550 to RCPT': answering('RCPT', '550 5.1.1 nobody\r\n'),
  'every other RCPT refused': everyOther('450 4.2.1 later\r\n'),
  '554 after the dot': answering('MESSAGE', '554 5.6.0 no\r\n'),
  '454 to STARTTLS': polite({
    keywords: ['STARTTLS'],
    answer: (verb) => (verb === 'STARTTLS' ? '454 4.7.0 not today\r\n' : undefined),
  }),
  'garbage for a handshake': secureWith((caller) => caller.say('not a hello\r\n'.repeat(100))),
  'closes in the handshake': secureWith((caller) => caller.hangUp()),
  'resets in the handshake': secureWith((caller) => caller.reset()),
  'TLS without a common cipher': secureWith((caller) => {
    caller.socket.removeAllListeners('data');
    new tls.TLSSocket(caller.socket, { isServer: true, secureContext: tls.createSecureContext({}) }).on('error', () => {});
  }),
};

function closeAfter354(caller: Caller): string {
  caller.say('354 go\r\n');
  return FIN;
}

function resetLater(caller: Caller): string {
  caller.say('354 go\r\n');
  setTimeout(() => caller.reset(), 5);
  return HANG;
}

/** Servers of npm smtp-server with something wrong. */
const SERVERS: Readonly<Record<string, () => SMTPServer>> = {
  'smtp-server with a certificate of its own': () => serverWith({}),
  'smtp-server that refuses all senders': () => serverWith({ onMailFrom: (_, __, done) => done(coded(550, '5.7.1 not you')) }),
  'smtp-server that is full': () => serverWith({ onRcptTo: (_, __, done) => done(coded(452, '4.2.2 full')) }),
  'smtp-server for one client at a time': () => serverWith({ maxClients: 1 }),
  'smtp-server that gives up while it reads': () =>
    serverWith({
      onData(stream, _, done) {
        stream.resume();
        setTimeout(() => done(coded(451, '4.3.0 disk')), 20);
      },
    }),
};

const coded = (responseCode: number, text: string): Error => Object.assign(new Error(text), { responseCode });

function serverWith(options: ConstructorParameters<typeof SMTPServer>[0]): SMTPServer {
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    onData(stream, _, done) {
      stream.on('end', () => done()).resume();
    },
    ...options,
  });
  server.on('error', () => {});
  return server;
}

/** All names, `nobody listens` included. */
export const BEHAVIOURS: readonly string[] = [...Object.keys(SCRIPTS), ...Object.keys(SERVERS), 'nobody listens'];

/** Starts one; throws for a name that is not in BEHAVIOURS. */
export async function startBehaviour(name: string): Promise<Peer> {
  const script = SCRIPTS[name];
  if (script) return startPeer(script);
  const make = SERVERS[name];
  if (make) return wrap(make());
  if (name !== 'nobody listens') throw new RangeError(`no behaviour is called "${name}"`);
  const peer = await startPeer(polite());
  await peer.close();
  return { ...peer, port: peer.port, close: async () => {} };
}

async function wrap(server: SMTPServer): Promise<Peer> {
  const sockets = new Set<net.Socket>();
  let accepted = 0;
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  server.server.on('connection', (socket: net.Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const { port } = server.server.address() as net.AddressInfo;
  return {
    port,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => done());
      }),
  };
}
