/** smtp_cbv: asks the server of a sender's domain whether it would take mail for the sender, and notes the answer with the message. */
import { randomBytes } from 'node:crypto';
import { type Address, type Context, Dns, type Draft, defineModule, opt, Probes, type Session, toAddress } from '#module';
import { type Callback, Callbacks } from './api.js';
import { Caller } from './caller.js';

const SMTP_PORT = 25;
/** Addresses that are remembered, of either kind. */
const REMEMBERED = 50_000;
/** All handlers of a hook together have a minute. */
const LONGEST_SECONDS = 50;

const ours = { origin: 'ours' } as const;

/** A domain of a mail address, no literal. */
const isDomain = (text: string): boolean => {
  const address = toAddress(`x@${text}`);
  return address !== undefined && !address.isLiteral && address.local === 'x';
};

export default defineModule({
  name: 'smtp_cbv',
  summary: "Call back the sender's mail exchanger.",
  validates: true,
  options: {
    phase: opt.choice('mailfrom', 'rcptto')({ doc: 'When the sender is asked about: at MAIL or at the first RCPT.', default: 'mailfrom' }),
    mailfrom: opt.blank({
      doc: 'Sender of the callback; empty is the null sender, which no server calls back in its turn.',
      default: '',
      check: (text) => (text === '' || toAddress(text) ? undefined : `"${text}" is no address.`),
    }),
    map: opt.map({
      doc: 'Sender domains with the domain whose exchangers are called instead: [ yahoo.net = "yahoo.com" ].',
      default: {},
      check: (pairs) => {
        const wrong = Object.entries(pairs)
          .flat()
          .find((name) => !isDomain(name));
        return wrong === undefined ? undefined : `"${wrong}" is no domain.`;
      },
    }),
    timeout: opt.seconds({
      doc: 'Time for one callback with its DNS questions and waits.',
      default: 30,
      min: 1,
      max: LONGEST_SECONDS,
      ...ours,
    }),
    cache_ttl: opt.seconds({ doc: 'Time for which a pass is believed.', default: 3600, ...ours }),
    neg_cache_ttl: opt.seconds({ doc: 'Time for which any other answer is believed.', default: 300, ...ours }),
    max_concurrency: opt.int({ doc: 'Callbacks at once.', default: 20, min: 1, max: 10_000, ...ours }),
    max_per_domain: opt.int({ doc: 'Callbacks to one domain at once.', default: 2, min: 1, max: 1000, ...ours }),
    skip_hosts: opt.cidrs({
      doc: 'Addresses that are never called. A sender who has no other server is not asked about.',
      effect: 'restricts',
      ...ours,
    }),
    helo: opt.string({
      doc: "The name said in EHLO; unset, the daemon's own.",
      check: (text) => (isDomain(text) ? undefined : `"${text}" is no host name.`),
      ...ours,
    }),
    port: opt.int({ doc: 'Port of the servers.', default: SMTP_PORT, min: 1, max: 65535, ...ours }),
    probe_catchall: opt.bool({
      doc: 'After a pass ask about a user who cannot be too, and note in smtp_cbv_catchall whether the server takes everything.',
      default: false,
      ...ours,
    }),
  },

  register(ctx) {
    const { options } = ctx;
    const from = options.mailfrom === '' ? null : toAddress(options.mailfrom);
    if (from === undefined) return { option: 'mailfrom', say: 'mailfrom is no address' };
    const asked = { calls: 0, cached: 0, skipped: 0, pass: 0, fail: 0, transient: 0, error: 0 };
    const caller = new Caller(
      {
        timeoutMs: 1000 * options.timeout,
        port: options.port,
        helo: options.helo,
        mostAtOnce: options.max_concurrency,
        mostPerDomain: options.max_per_domain,
        asksStranger: options.probe_catchall,
        map: new Map(Object.entries(options.map).map(([domain, other]) => [domain.toLowerCase(), other.toLowerCase()])),
        isSkipped: (ip) => options.skip_hosts?.has(ip) ?? false,
      },
      {
        probes: ctx.use(Probes),
        names: ctx.use(Dns),
        passed: ctx.cache('pass', REMEMBERED, { hit: options.cache_ttl, miss: options.cache_ttl }),
        others: ctx.cache('other', REMEMBERED, { hit: options.neg_cache_ttl, miss: options.neg_cache_ttl }),
        signal: ctx.signal,
        allowsLocal: (domain) => ctx.core({ domain }).deliver_to_private,
        now: () => ctx.now(),
        sleep: (ms, signal) => ctx.sleep(ms, signal),
        random: () => Math.random(),
        inventUser: () => `cbv-${randomBytes(12).toString('hex')}`,
        made: (address, { status, text }) => {
          ctx.log('info', `${address}: ${status}, ${text}`);
          asked.calls++;
          asked[status]++;
          ctx.count('calls', { status });
        },
        recalled: () => {
          asked.cached++;
          ctx.count('cached');
        },
      },
    );

    const check = async (session: Session, sender: Address | null, draft: Draft, signal: AbortSignal): Promise<void> => {
      if (draft.facts.has(RESULT)) return;
      if (sender === null || sender.domain === '' || sender.isLiteral || isOwn(ctx, session, sender, from)) return;
      // A server that calls us back while we ask it would wait for us, and we for it. With the null sender nobody does.
      if (from !== null && caller.isVisiting(session.peer.ip)) {
        asked.skipped++;
        return;
      }
      const callback = await caller.verify(sender, from, signal);
      if (callback) note(draft, callback);
      else asked.skipped++;
    };
    // It never refuses anything, not even by its failure; on_error is for modules that decide.
    const how = { timeoutSeconds: options.timeout + 5, onError: undefined };
    if (options.phase === 'mailfrom') ctx.on('mail_from', (session, sender, draft, run) => check(session, sender, draft, run.signal), how);
    else {
      // Mail for the sender of our callbacks may be a callback about it.
      const isOurs = (recipient: Address): boolean => recipient.local === from?.local && recipient.domain === from.domain;
      ctx.on(
        'rcpt_to',
        (session, recipient, draft, run) => (isOurs(recipient) ? undefined : check(session, draft.sender, draft, run.signal)),
        how,
      );
    }

    const verify = async (address: string, sender: string | undefined, signal: AbortSignal): Promise<Callback> => {
      const [parsed, as] = [toAddress(address), sender === undefined ? from : sender === '' ? null : toAddress(sender)];
      if (!parsed || as === undefined) return CANNOT;
      if (parsed.isLiteral) return LITERAL;
      return (await caller.verify(parsed, as, signal)) ?? NOT_CALLED;
    };
    if (!isProvided(ctx)) ctx.provide(Callbacks, { verify: (address, { from: sender, signal }) => verify(address, sender, signal) });

    ctx.command('verify', {
      doc: 'Ask the server of an address about it, or tell what is remembered.',
      args: 'ADDRESS',
      merge: 'one',
      run: async ([address], signal) => {
        if (address === undefined) return 'Say which address.';
        const { status, text, catchesAll } = await verify(address, undefined, signal);
        return [{ address, status, text, catch_all: catchesAll ?? null }];
      },
    });
    ctx.command('stats', {
      doc: 'Callbacks since the module was loaded: made, spared, and what they came to; and how many run and wait now.',
      merge: 'sum',
      run: () => [{ ...asked, running: caller.running, waiting: caller.waiting }],
    });
    return undefined;
  },
});

const RESULT = 'smtp_cbv_result';

const note = (draft: Draft, { status, catchesAll }: Callback): void => {
  draft.facts.set(RESULT, status === 'fail' ? 'error' : status);
  if (catchesAll !== undefined) draft.facts.set('smtp_cbv_catchall', catchesAll ? 'yes' : 'no');
};

const CANNOT: Callback = Object.freeze({ status: 'error', text: '501 5.1.7 [internal] that is no address to call back' });
const LITERAL: Callback = Object.freeze({ status: 'error', text: '501 5.1.7 [internal] address literals are not called' });
const NOT_CALLED: Callback = Object.freeze({ status: 'error', text: '450 4.3.2 [internal] its servers are in skip_hosts' });

/** We know ourselves who lives in our own domains. */
function isOwn(ctx: Pick<Context, 'inbound'>, session: Session, { domain }: Address, from: Address | null): boolean {
  const { relay_domains: relayed, bounce_domains: bounced } = ctx.inbound(session);
  return domain === from?.domain || relayed?.has(domain) === true || bounced?.has(domain) === true;
}

/** Of several stanzas the first one answers for the module. */
function isProvided(ctx: Pick<Context, 'use'>): boolean {
  try {
    ctx.use(Callbacks);
    return true;
  } catch {
    return false;
  }
}
