/** reception_timing_logger: writes what reception_timing measured to the chunk log. */
import { defineModule } from '#module';
import { ChunkLog } from '../chunk_logger/api.js';
import { receptionTimed } from '../reception_timing/api.js';
import { formatTiming } from './line.js';

export default defineModule({
  name: 'reception_timing_logger',
  summary: 'Write down how long reception took.',
  needs: ['chunk_logger'],
  options: {},
  check: (_own, _core, stanzas) => [
    ...(stanzas.includes('chunk_logger')
      ? []
      : [{ say: 'reception_timing_logger writes through chunk_logger, which has no stanza here.' }]),
    ...(stanzas.includes('reception_timing')
      ? []
      : [{ say: 'reception_timing_logger has nothing to write without reception_timing.', level: 'warning' as const }]),
  ],

  register(ctx) {
    const chunks = ctx.use(ChunkLog);
    ctx.on(receptionTimed, (timing) => chunks.log(formatTiming(timing)));
  },
});
