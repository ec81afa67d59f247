/** smtp_rcptto_proxy: asks the server inside whether it knows a recipient, for other modules and for recipients of one's own domains. */
import { type Context, defineModule, opt, ProbeFailure, Probes, reject, tempfail, toAddress } from '#module';
import { weighFailure, weighReply } from './answer.js';
import { type RecipientAnswer, RecipientProxy, type RecipientQuery } from './api.js';
import { askRecipient } from './ask.js';
import { parseDoor } from './door.js';

const SMTP_PORT = 25;
/** Answers that are remembered. */
const REMEMBERED = 10_000;
/** How long a connection waits for the next question. */
const IDLE_MS = 10_000;
/** All handlers of a hook together have a minute; the answer must come before. */
const LONGEST_AT_HOOK_SECONDS = 50;

export default defineModule({
  name: 'smtp_rcptto_proxy',
  summary: 'Ask another SMTP server about a recipient.',
  options: {
    host: opt.string({
      doc: 'Server that is asked where a question names none: a name or an address, with or without a port.',
      origin: 'ours',
      check: (text) => (parseDoor(text) ? undefined : `"${text}" is neither a host nor an address.`),
    }),
    port: opt.int({ doc: 'Port where host has none.', default: SMTP_PORT, min: 1, max: 65535, origin: 'ours' }),
    mailfrom: opt.blank({
      doc: 'Sender of the question where it names none; empty is the null sender.',
      default: '',
      origin: 'ours',
      check: (text) => (text === '' || toAddress(text) ? undefined : `"${text}" is no address.`),
    }),
    timeout: opt.seconds({ doc: 'Time for a question with everything that belongs to it.', default: 60, min: 1, max: 300, origin: 'ours' }),
    cache_ttl: opt.seconds({
      doc: 'Time for which it is remembered that a recipient is known or not; 0 asks each time.',
      default: 0,
      origin: 'ours',
    }),
    max_connections: opt.int({
      doc: 'Connections to one server at once; who comes later waits.',
      default: 10,
      min: 1,
      max: 1000,
      origin: 'ours',
    }),
    domains: opt.globs({
      doc: 'Domains whose recipients are asked about at RCPT: unknown ones get 550 5.1.1, and 451 4.2.1 those that nobody vouches for now.',
      effect: 'restricts',
      origin: 'ours',
    }),
  },
  check: (own) =>
    own.domains !== undefined && own.domains.size > 0 && own.host === undefined
      ? [{ option: 'domains', say: 'domains stands without host: nobody could be asked.' }]
      : [],

  register(ctx) {
    const { options } = ctx;
    const probes = ctx.use(Probes);
    const cache =
      options.cache_ttl > 0
        ? ctx.cache<RecipientAnswer>('recipients', REMEMBERED, { hit: options.cache_ttl, miss: options.cache_ttl })
        : undefined;

    const query = async (question: RecipientQuery): Promise<RecipientAnswer> => {
      const { rcptto, mailfrom = options.mailfrom, host: written = options.host, port, timeoutSeconds = options.timeout } = question;
      const [recipient, sender] = [toAddress(rcptto), mailfrom === '' ? null : toAddress(mailfrom)];
      if (!recipient) throw new RangeError(rcptto === '' ? 'rcptto is missing' : 'rcptto is no address');
      if (sender === undefined) throw new RangeError('mailfrom is no address');
      if (written === undefined || written === '') throw new RangeError('host is missing');
      const door = parseDoor(written);
      if (!door) throw new RangeError('host is neither a name nor an address');
      const at = port ?? door.port ?? options.port;
      if (!Number.isInteger(at) || at < 1 || at > 65535) throw new RangeError('port is not between 1 and 65535');
      if (!(timeoutSeconds > 0)) throw new RangeError('timeout is no time');
      question.signal.throwIfAborted();

      const key = `${door.host}\n${at}\n${mailfrom}\n${rcptto}`;
      const known = cache?.peek(key);
      if (known) {
        ctx.count('cached');
        return known;
      }
      const terms = { timeoutMs: 1000 * timeoutSeconds, most: options.max_connections, idleMs: IDLE_MS, signal: question.signal };
      let answer: RecipientAnswer;
      try {
        answer = await probes.visit({ host: door.host, port: at, tls: 'ifavailable' }, terms, async (visit) =>
          weighReply(await askRecipient(visit, sender, recipient)),
        );
      } catch (error) {
        if (!(error instanceof ProbeFailure)) throw error;
        answer = weighFailure(error);
      }
      ctx.count('answers', { kind: answer.kind });
      if (answer.kind === 'tempfail' || answer.kind === 'timeout') ctx.log('notice', `${rcptto} at ${door.host}: ${answer.error}`);
      else await cache?.get(key, async () => answer);
      return answer;
    };

    if (!isProvided(ctx)) ctx.provide(RecipientProxy, { query });

    const { domains } = options;
    const hookSeconds = Math.min(options.timeout, LONGEST_AT_HOOK_SECONDS);
    if (domains !== undefined && domains.size > 0) {
      ctx.on(
        'rcpt_to',
        async (_session, recipient, _draft, run) => {
          if (recipient.domain === '' || !domains.has(recipient.domain)) return undefined;
          const { kind, status } = await query({ rcptto: String(recipient), timeoutSeconds: hookSeconds, signal: run.signal });
          if (kind === 'known') return undefined;
          if (kind !== 'unknown') return tempfail('451 4.2.1 recipient cannot be checked at this time');
          return status.startsWith('5.') && status !== '5.1.1'
            ? reject(`550 ${status} recipient refused`)
            : reject('550 5.1.1 recipient unknown');
        },
        { timeoutSeconds: hookSeconds + 5 },
      );
    }

    ctx.command('query', {
      doc: 'Ask a server whether it knows a recipient.',
      args: 'ADDRESS [HOST[:PORT]]',
      merge: 'one',
      run: async ([rcptto, host], signal) => {
        if (rcptto === undefined) return 'Say which address.';
        try {
          const answer = await query({ rcptto, signal, ...(host !== undefined && { host }) });
          return [{ recipient: rcptto, result: answer.kind, code: answer.code, error: answer.error }];
        } catch (error) {
          if (error instanceof RangeError) return `${error.message}.`;
          throw error;
        }
      },
    });
  },
});

/** Of several stanzas the first one answers other modules. */
function isProvided(ctx: Pick<Context, 'use'>): boolean {
  try {
    ctx.use(RecipientProxy);
    return true;
  } catch {
    return false;
  }
}
