/** oauth_introspection: checks the access tokens of our clients by asking the server that issued them (RFC 7662). */
import fs from 'node:fs/promises';
import { defineModule, type Objection, opt } from '#module';
import { judgeAnswer } from './answer.js';
import { introspect, openAgent } from './ask.js';

/** RFC 6749 2.3.1: each half is written as in a form, so that a colon in it is none. */
const encodeHalf = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);

/** `[::1]` stands in URLs in brackets. */
const isOnThisMachine = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

export default defineModule({
  name: 'oauth_introspection',
  summary: 'Check access tokens with the server that issued them.',
  singleton: true,
  offers: { auth: ['oauth_introspection'] },
  options: {
    url: opt.url({
      doc: 'Introspection endpoint of the authorization server (RFC 7662); http:// on this machine only.',
      schemes: ['https', 'http'],
      required: true,
      origin: 'ours',
    }),
    client_id: opt.string({ doc: 'Who we are to the endpoint, by HTTP Basic.', origin: 'ours' }),
    client_secret: opt.secret({ doc: 'The secret that goes with client_id.', origin: 'ours' }),
    ca: opt.path({ doc: "PEM bundle that proves the endpoint's certificate, in place of the usual authorities.", origin: 'ours' }),
    user_claims: opt.strings({
      doc: 'Members of the answer one of which has to be the name that the client gives, to the letter.',
      default: ['username', 'email', 'sub'],
      origin: 'ours',
    }),
    scope: opt.strings({ doc: 'Scopes that a token needs, all of them.', default: [], origin: 'ours' }),
    audience: opt.string({ doc: 'Audience that a token has to be meant for.', default: '', origin: 'ours' }),
    issuer: opt.string({ doc: 'Who has to have issued a token.', default: '', origin: 'ours' }),
    timeout: opt.seconds({ doc: 'How long a check may take; then the client hears 454.', default: 20, min: 1, max: 80, origin: 'ours' }),
    max_connections: opt.int({
      doc: 'Connections to the endpoint at once, for each worker; who comes later waits.',
      default: 20,
      min: 1,
      max: 1000,
      origin: 'ours',
    }),
  },
  check(own) {
    const wrong: Objection[] = [];
    if (!URL.canParse(own.url)) wrong.push({ option: 'url', say: 'url is no URL.' });
    else {
      const { protocol, hostname, username, password } = new URL(own.url);
      if (protocol === 'http:' && !isOnThisMachine(hostname))
        wrong.push({ option: 'url', say: 'Tokens would go over the network in clear: write https://.' });
      if (username !== '' || password !== '')
        wrong.push({ option: 'url', say: 'Write client_id and client_secret, not a password in url.' });
    }
    if (own.user_claims.length === 0)
      wrong.push({ option: 'user_claims', say: 'Without user_claims every token would be good for every name.' });
    if ((own.client_id === undefined) !== (own.client_secret === undefined))
      wrong.push({ option: 'client_id', say: 'client_id and client_secret go together.' });
    return wrong;
  },

  async register(ctx) {
    const { options } = ctx;
    const ca = options.ca === undefined ? undefined : await fs.readFile(options.ca, 'utf8').catch(() => '');
    if (ca === '') return { option: 'ca', say: `${options.ca ?? ''} cannot be read` };
    const url = new URL(options.url);
    const agent = openAgent(url, options.max_connections, ca);
    ctx.signal.addEventListener('abort', () => agent.destroy(), { once: true });
    const { client_id: id, client_secret: secret } = options;
    const credentials = id === undefined || secret === undefined ? undefined : `${encodeHalf(id)}:${encodeHalf(secret)}`;
    const wishes = {
      userClaims: options.user_claims,
      scopes: options.scope,
      audience: options.audience,
      issuer: options.issuer,
    };
    let trouble: string | undefined;
    const tell = (why: string | undefined): void => {
      if ((why === undefined) === (trouble === undefined)) return;
      trouble = why;
      if (why === undefined) ctx.log('notice', `${url.host} checks tokens again`);
      else ctx.log('error', `${url.host} does not check tokens: ${why}`);
    };

    ctx.offer('auth', 'oauth_introspection', {
      async verify(user, token, _session, signal) {
        const ends = AbortSignal.any([signal, ctx.signal]);
        const late = new AbortController();
        const stop = (): void => late.abort();
        ends.addEventListener('abort', stop, { once: true });
        void ctx.sleep(1000 * options.timeout, late.signal).then(stop, stop);
        let answer: 'ok' | 'no' | 'error' = 'error';
        try {
          const text = await introspect({ url, agent, credentials }, token, late.signal);
          answer = judgeAnswer(text, user, wishes, ctx.now() / 1000);
          tell(answer === 'error' ? 'its answer is none of RFC 7662' : undefined);
        } catch (error) {
          if (!ends.aborted) tell(late.signal.aborted ? 'no answer in time' : error instanceof Error ? error.message : String(error));
        } finally {
          ends.removeEventListener('abort', stop);
          late.abort();
        }
        ctx.count('checks', { answer });
        return answer;
      },
    });
    return undefined;
  },
});
