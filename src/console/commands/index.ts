/** All commands of a daemon at this moment. */
import type { ConsoleCommand } from '../command.js';
import type { Desk } from '../desk.js';
import { bounceCommands } from './bounce.js';
import { configCommands } from './config.js';
import { daemonCommands } from './daemon.js';
import { moduleCommands } from './modules.js';
import { queueCommands } from './queue.js';

/** Sorted by name. Made anew when asked, since modules come and go with the configuration. */
export function makeCommands(desk: Desk): readonly ConsoleCommand[] {
  const all: ConsoleCommand[] = [];
  all.push(
    ...daemonCommands(desk, () => all),
    ...bounceCommands(desk),
    ...queueCommands(desk),
    ...configCommands(desk),
    ...moduleCommands(desk),
  );
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}
