/** bounce_logger: bounces only, one line each, in Momentum's format. */
import { defineModule } from '#module';
import { keepBounceLog, makeBounceLogOptions } from './api.js';

export default defineModule({
  name: 'bounce_logger',
  summary: 'Log of bounces.',
  options: makeBounceLogOptions('/var/log/ecelerity/bouncelog.ec'),
  register: (ctx) => keepBounceLog(ctx, (line) => line),
});
