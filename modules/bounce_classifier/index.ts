/** bounce_classifier: the old name of bounce_classifier_override, with an instance name and without its test. */
import { defineModule } from '#module';
import { checkOverrides, keepOverrides, overrideOptions } from '../bounce_classifier_override/api.js';

export default defineModule({
  name: 'bounce_classifier',
  summary: 'Old name of bounce_classifier_override.',
  options: overrideOptions,
  check: (own) => [
    { say: 'bounce_classifier is an old name: write bounce_classifier_override, without an instance name', level: 'warning' },
    ...checkOverrides(own),
  ],
  async register(ctx) {
    const kept = await keepOverrides(ctx);
    return 'test' in kept ? undefined : kept;
  },
});
