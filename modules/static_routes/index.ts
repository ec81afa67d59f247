/** static_routes: all mail goes to one address and port, each domain over connections of its own. */
import { defineModule, opt, type RankedHop } from '#module';
import { parseTarget } from './target.js';

export default defineModule({
  name: 'static_routes',
  summary: 'Route traffic to a given server by address and port.',
  options: {
    target: opt.string({ doc: 'Address and port of the next hop; unset leaves routing as it is.' }),
  },
  check(own) {
    const target = own.target === undefined ? undefined : parseTarget(own.target);
    return typeof target === 'string' ? [{ option: 'target', say: target }] : [];
  },

  register(ctx) {
    const { target } = ctx.options;
    if (target === undefined) return undefined;
    const parsed = parseTarget(target);
    if (typeof parsed === 'string') return { option: 'target', say: parsed };
    // The host name is the routing domain: TLS is checked against it, and connections are not shared between domains.
    // Domains that begin with # stand for ways out that are not SMTP.
    ctx.on('routes', (place): readonly RankedHop[] | undefined =>
      place.domain.startsWith('#') ? undefined : [{ ...parsed, name: place.domain, preference: 0 }],
    );
    return undefined;
  },
});
