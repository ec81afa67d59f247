/** Commands about the sockets that take mail in: what they are, and off and on until the next reload. */
import { CommandError, type ConsoleCommand } from '../command.js';
import type { Desk, SocketRow } from '../desk.js';
import { addRows, same } from '../merge.js';
import { formatTable } from '../table.js';

export function listenerCommands(desk: Desk): readonly ConsoleCommand[] {
  const turn = async (on: boolean, [stanza, listen]: readonly string[]) => {
    if (stanza === undefined) throw new CommandError('Which listener? Its name stands in "listener list".');
    const named = desk.sockets.list().filter((row) => row.stanza === stanza || row.stanza.endsWith(` ${stanza}`));
    const meant = named.filter((row) => (listen ?? row.listen) === row.listen);
    const [first] = meant;
    if (!first) throw new CommandError(`There is no socket ${listen ?? ''} of a listener "${stanza}".`.replace('  ', ' '));
    try {
      await desk.sockets.turn(on, first.stanza, listen);
    } catch (error) {
      throw new CommandError(error instanceof Error ? error.message : 'It could not be done.');
    }
    const names = meant.map((row) => row.listen);
    return { data: { stanza: first.stanza, listens: names, on }, text: `${on ? 'On' : 'Off'}: ${names.join(', ')}. ${UNTIL}` };
  };
  return [
    {
      name: 'listener list',
      doc: 'Sockets that take mail in, whether they are open, and their sessions.',
      merge: addRows<SocketRow>(['stanza', 'listen', 'address', 'state', 'configured'], printRows),
      run() {
        const data = desk.sockets.list();
        return { data, text: printRows(data) };
      },
    },
    {
      name: 'listener off',
      args: 'STANZA [LISTEN]',
      doc: 'Close the sockets of a listener, or one of them; its sessions end with 421 at their next command.',
      writes: true,
      merge: same,
      run: (args) => turn(false, args),
    },
    {
      name: 'listener on',
      args: 'STANZA [LISTEN]',
      doc: 'Open the sockets of a listener, or one of them, again.',
      writes: true,
      merge: same,
      run: (args) => turn(true, args),
    },
  ];
}

const UNTIL = 'This lasts until the next reload or start: the configuration file is as it was.';

function printRows(rows: readonly SocketRow[]): string {
  if (rows.length === 0) return '(none)';
  const table = formatTable(
    ['listener', 'socket', 'address', 'state', 'in the file', 'sessions'],
    rows.map((row) => [row.stanza, row.listen, row.address, row.state, row.configured, row.sessions]),
  );
  return rows.some(({ state, configured }) => state !== configured) ? `${table}\n${UNTIL}` : table;
}
