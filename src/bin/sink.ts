/** celeris sink: accepts mail and throws it away. */
import { runSink, type SinkCommand } from '../tools/sink/run.js';

export const sink = (options: SinkCommand): Promise<number> => runSink(options);
