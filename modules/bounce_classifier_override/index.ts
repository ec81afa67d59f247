/** bounce_classifier_override: rules of one's own that go before those of the core, and classes of one's own. */
import { Bounces, defineModule } from '#module';
import { checkOverrides, keepOverrides, overrideOptions } from './api.js';

export default defineModule({
  name: 'bounce_classifier_override',
  summary: 'Change how bounces are classed.',
  singleton: true,
  options: overrideOptions,
  check: checkOverrides,
  async register(ctx) {
    const kept = await keepOverrides(ctx);
    if (!('test' in kept)) return kept;
    const bounces = ctx.use(Bounces);
    ctx.command('test', {
      doc: 'The class of a reply, and the rule that makes it.',
      args: '"REPLY" [domain]',
      run: ([reply, domain]) => {
        if (reply === undefined) return 'Say which reply.';
        const { class: code, rule } = kept.test(reply, domain ?? '');
        return [{ class: code, name: bounces.nameOf(code) ?? '', rule }];
      },
    });
    return undefined;
  },
});
