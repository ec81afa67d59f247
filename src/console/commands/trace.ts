/** Commands that write down what is said on outbound connections. */
import { CommandError, type ConsoleCommand, say } from '../command.js';
import type { Desk } from '../desk.js';
import { found, same } from '../merge.js';
import { formatRecords } from '../table.js';
import { readCount } from './queue-words.js';

export function traceCommands(desk: Desk): readonly ConsoleCommand[] {
  return [
    {
      name: 'trace smtp add',
      args: 'BINDING|* DOMAIN|* FILE',
      doc: 'Write everything said on new connections of a binding to a domain to a file, messages included.',
      merge: same,
      writes: true,
      run([binding, domain, file]) {
        if (binding === undefined || domain === undefined || file === undefined)
          throw new CommandError('Say which binding, domain and file.');
        const id = desk.traces.add(binding, domain.toLowerCase(), file);
        if (id === undefined) throw new CommandError('There are too many tracers already.');
        return say(`Registered smtp tracer #${id}`, { id });
      },
    },
    {
      name: 'trace smtp list',
      doc: 'Tracers that write.',
      merge: same,
      run: () => ({ data: desk.traces.list(), text: formatRecords(desk.traces.list().map((row) => ({ ...row }))) }),
    },
    {
      name: 'trace smtp remove',
      args: 'ID',
      doc: 'End a tracer.',
      merge: found,
      writes: true,
      run([id = '']) {
        if (!desk.traces.remove(readCount(id))) throw new CommandError(`There is no tracer ${id}.`);
        return say(`Removed smtp tracer #${id}`, { id: Number(id) });
      },
    },
  ];
}
