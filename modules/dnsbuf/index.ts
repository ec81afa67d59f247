/** dnsbuf: kernel buffers of the sockets that DNS queries leave by. */
import { DnsSockets, defineModule, opt, type SocketBuffers } from '#module';

const LEAST = 1024;
const USUAL = 131_072;

/** The kernel doubles what it is asked for; less than that is its limit speaking. */
const isCapped = (wanted: number, given: number): boolean => given < 2 * wanted;

export default defineModule({
  name: 'dnsbuf',
  summary: 'Set the kernel buffers of the sockets of DNS queries.',
  singleton: true,
  options: {
    sndbuf_size: opt.int({ doc: 'Octets of the send buffer to ask the kernel for.', default: USUAL, min: LEAST }),
    rcvbuf_size: opt.int({ doc: 'Octets of the receive buffer to ask the kernel for.', default: USUAL, min: LEAST }),
    interval: opt.int({ doc: 'Seconds between two looks at what the kernel gives.', default: 60, min: 1 }),
  },

  register(ctx) {
    const wanted: SocketBuffers = { send: ctx.options.sndbuf_size, receive: ctx.options.rcvbuf_size };
    const sockets = ctx.use(DnsSockets);
    const warned = new Set<string>();
    sockets.size(wanted);
    ctx.signal.addEventListener('abort', () => sockets.leave(wanted), { once: true });

    const warn = (server: string, option: string, limit: string, asked: number, given: number): void => {
      const key = `${server} ${option}`;
      if (!isCapped(asked, given)) return void warned.delete(key);
      if (warned.has(key)) return;
      warned.add(key);
      ctx.log('warning', `${option} is ${asked}, but a socket to ${server} gets ${given / 2}: net.core.${limit} is the limit`);
    };
    const look = async (): Promise<readonly (SocketBuffers & { readonly server: string })[]> => {
      const given = await sockets.measure();
      for (const { server, send, receive } of given) {
        warn(server, 'sndbuf_size', 'wmem_max', wanted.send, send);
        warn(server, 'rcvbuf_size', 'rmem_max', wanted.receive, receive);
      }
      return given;
    };

    ctx.every(
      () => ctx.options.interval,
      async () => void (await look()),
    );
    ctx.command('verify', {
      doc: 'What the kernel gives to the sockets of each name server, which is twice what was asked for.',
      merge: 'one',
      run: async () => (await look()).map(({ server, send, receive }, number) => ({ number, server, sndbuf: send, rcvbuf: receive })),
    });
  },
});
