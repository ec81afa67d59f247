/** mail_loop: refuses mail that has been through too many servers, and never connects back to this machine. */
import { defineModule, opt, reject, Sockets, tempfail } from '#module';
import { countReceived } from './count.js';
import { gatherOwn, isOwn, ownAddresses } from './interfaces.js';

const REFRESH_SECONDS = 300;

export default defineModule({
  name: 'mail_loop',
  summary: 'Automatic suppression of potential mail loops.',
  validates: true,
  options: {
    max_received_headers: opt.int({ doc: 'Received fields a message may carry.', default: 20, min: 1 }),
    use_ip: opt.bool({ doc: 'Never connect out to an address of this machine.', default: false }),
    use_ip_ports: opt.bool({
      doc: 'Apply use_ip only to ports this daemon listens on, so that a local LMTP server stays reachable.',
      default: false,
    }),
    code: opt.int({ doc: 'Reply code for a loop; 250 accepts and only marks the message.', default: 554 }),
  },
  check(own) {
    const wrong = own.code !== 250 && (own.code < 400 || own.code > 599);
    return wrong ? [{ option: 'code', say: `${own.code} is no reply code for a loop; use 250, 4xx or 5xx` }] : [];
  },

  register(ctx) {
    const { options } = ctx;
    let own = gatherOwn(ownAddresses());
    const refresh = (): readonly string[] => {
      const addresses = ownAddresses();
      own = gatherOwn(addresses);
      return addresses;
    };

    ctx.on('data', (_session, draft) => {
      const count = countReceived(draft.headers);
      if (count <= options.max_received_headers) return undefined;
      draft.facts.set('mail_loop_header_count', String(count));
      if (options.code === 250) return undefined;
      const text = `${options.code} ${options.code < 500 ? '4.4.6' : '5.4.6'} [internal] mail loop: ${count} Received headers`;
      return options.code < 500 ? tempfail(text) : reject(text);
    });

    if (options.use_ip) {
      const sockets = ctx.use(Sockets);
      ctx.on('veto', (_place, hop) => {
        if (!isOwn(hop.ip, own)) return undefined;
        if (options.use_ip_ports && !sockets.listening().some(({ port }) => port === hop.port)) return undefined;
        return '554 5.4.6 [internal] loops back to this host';
      });
      ctx.every(
        () => REFRESH_SECONDS,
        () => void refresh(),
      );
    }

    ctx.command('refresh', {
      doc: 'Read the addresses of this machine again.',
      merge: 'one',
      run: () => refresh().map((address) => ({ address })),
    });
  },
});
