/** smtp_auth_proxy: checks the passwords of our clients by logging in to another SMTP server with them. */
import { createHmac, randomBytes } from 'node:crypto';
import { defineModule, type Objection, opt, Probes } from '#module';
import { ask } from './ask.js';
import { type Backend, Backends, parseBackend } from './backend.js';

/** Results that are remembered at most. */
const MOST_RESULTS = 100_000;

export default defineModule({
  name: 'smtp_auth_proxy',
  summary: 'Check log-ins against another SMTP server.',
  singleton: true,
  autoload: true,
  offers: { auth: ['smtp_auth_proxy'] },
  options: {
    host: opt.strings({
      doc: 'The server that knows the passwords, with or without a port; of several each is asked in its turn, and the others when it fails.',
      default: [],
      check: (hosts) => hosts.map((host) => parseBackend(host, 25)).find((read) => typeof read === 'string'),
    }),
    port: opt.int({ doc: 'Port of servers that are written without one.', default: 25, min: 1, max: 65_535 }),
    timeout: opt.seconds({
      doc: 'How long a check may take, all servers together; then the client hears 454.',
      default: 60,
      min: 1,
      max: 80,
    }),
    query: opt.string({ doc: 'SQL that finds the server of a user; needs module ds_core, which is not built.' }),
    ds_cache: opt.string({ doc: 'The datasource that query goes to; needs module ds_core, which is not built.' }),
    require_tls: opt.bool({ doc: 'Show passwords under TLS only.', default: false, origin: 'ours', effect: 'restricts' }),
    tls_verify: opt.bool({
      doc: "The server's certificate has to be valid and name the host.",
      default: false,
      origin: 'ours',
      effect: 'restricts',
    }),
    cache_ttl: opt.seconds({
      doc: 'How long the answer for a name and password is remembered; 0 asks each time.',
      default: 0,
      min: 0,
      origin: 'ours',
    }),
    max_connections: opt.int({
      doc: 'Connections to each server at once; who comes later waits.',
      default: 20,
      min: 1,
      max: 10_000,
      origin: 'ours',
    }),
  },
  check(own) {
    const wrong: Objection[] = [];
    for (const option of ['query', 'ds_cache'] as const)
      if (own[option] !== undefined) wrong.push({ option, say: `${option} needs module ds_core, which is not built: set host.` });
    if (own.host.length === 0) wrong.push({ option: 'host', say: 'smtp_auth_proxy has no host to ask.' });
    if (own.tls_verify && !own.require_tls)
      wrong.push({
        option: 'tls_verify',
        say: 'tls_verify without require_tls: whoever takes STARTTLS away is shown the passwords.',
        level: 'warning',
      });
    return wrong;
  },

  register(ctx) {
    const { options } = ctx;
    const nameOf = ({ host, port }: Backend): string => `${host}:${port}`;
    const terms = {
      probes: ctx.use(Probes),
      backends: new Backends(options.host.map((host) => parseBackend(host, options.port)).filter((read) => typeof read !== 'string')),
      timeoutMs: 1000 * options.timeout,
      most: options.max_connections,
      requireTls: options.require_tls,
      verifyTls: options.tls_verify,
      now: () => ctx.now(),
      changed: (backend: Backend, trouble: string | undefined): void => {
        if (trouble === undefined) ctx.log('notice', `${nameOf(backend)} checks passwords again`);
        else ctx.log('error', `${nameOf(backend)} does not check passwords: ${trouble}`);
      },
    };
    const check = async (user: string, secret: string, signal: AbortSignal) => {
      const answer = await ask(terms, user, secret, signal);
      ctx.count('checks', { answer });
      return answer;
    };
    // NUL parts name and password in PLAIN, so one that brings its own could pass for somebody else.
    const isSayable = (user: string, secret: string): boolean => !user.includes('\0') && !secret.includes('\0');

    if (options.cache_ttl === 0) {
      ctx.offer('auth', 'smtp_auth_proxy', {
        verify: async (user, secret, _session, signal) => (isSayable(user, secret) ? check(user, secret, signal) : 'no'),
      });
      return;
    }
    // Nobody who reads our memory finds a password there, nor can try one elsewhere against what is there.
    const key = randomBytes(32);
    const results = ctx.cache<'ok' | 'no'>('results', MOST_RESULTS, { hit: options.cache_ttl, miss: 0 });
    ctx.offer('auth', 'smtp_auth_proxy', {
      async verify(user, secret) {
        if (!isSayable(user, secret)) return 'no';
        const digest = createHmac('sha256', key).update(`${user}\0${secret}`).digest('base64');
        // Several may wait for one check, so that none of them can end it.
        return results
          .get(digest, async () => {
            const answer = await check(user, secret, ctx.signal);
            if (answer === 'error') throw NO_ANSWER;
            return answer;
          })
          .catch((error: unknown) => {
            if (error === NO_ANSWER) return 'error';
            throw error;
          });
      },
    });
  },
});

/** No server could tell: not remembered. */
const NO_ANSWER = new Error('no server could tell');
