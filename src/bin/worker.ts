/** celeris worker: what `start` runs once for each worker; it does nothing by itself. */
import { work as workToTheEnd } from '../server/workers/worker.js';
import { EXIT } from './exit.js';

export async function work(): Promise<number> {
  if (!process.send) {
    process.stderr.write('celeris: workers are started by "celeris start"\n');
    return EXIT.usage;
  }
  return (await workToTheEnd()) ? EXIT.ok : EXIT.software;
}
