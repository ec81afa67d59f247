/** All commands of a daemon at this moment. */
import type { ConsoleCommand } from '../command.js';
import type { Desk } from '../desk.js';
import { bounceCommands } from './bounce.js';
import { configCommands } from './config.js';
import { daemonCommands } from './daemon.js';
import { listenerCommands } from './listener.js';
import { moduleCommands } from './modules.js';
import { outboundCommands } from './outbound.js';
import { queueCommands } from './queue.js';
import { bindingCommands } from './queue-binding.js';
import { bulkCommands } from './queue-bulk.js';
import { whyCommands } from './queue-why.js';
import { tlsCommands } from './tls.js';
import { traceCommands } from './trace.js';

/** Sorted by name. Made anew when asked, since modules come and go with the configuration. */
export function makeCommands(desk: Desk): readonly ConsoleCommand[] {
  const all: ConsoleCommand[] = [];
  all.push(
    ...daemonCommands(desk, () => all),
    ...bounceCommands(desk),
    ...queueCommands(desk),
    ...whyCommands(desk),
    ...bindingCommands(desk),
    ...bulkCommands(desk),
    ...outboundCommands(desk),
    ...traceCommands(desk),
    ...configCommands(desk),
    ...moduleCommands(desk),
    ...tlsCommands(desk),
    ...listenerCommands(desk),
  );
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}
