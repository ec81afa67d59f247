/** Commands about what delivery has open and what DNS has told. */
import { CommandError, type ConsoleCommand, say } from '../command.js';
import type { Desk } from '../desk.js';
import { addRecords, addRows, everything } from '../merge.js';
import { formatPairs, formatRecords } from '../table.js';

export function outboundCommands(desk: Desk): readonly ConsoleCommand[] {
  return [
    {
      name: 'show outbound',
      args: '[DOMAIN]',
      doc: 'Open connections to next hops.',
      merge: everything,
      run([domain]) {
        const rows = desk.outbound().filter((row) => domain === undefined || row.domain === domain.toLowerCase());
        const lines = rows.map((row) => `[outbound/${row.binding}] ${row.peer} ${row.state} (for ${row.seconds} s) [${row.domain}]`);
        return { data: rows, text: lines.length === 0 ? '(none)' : lines.join('\n') };
      },
    },
    {
      name: 'count outbound',
      args: '[BINDING]',
      doc: 'Open connections by next hop.',
      merge: addRows<PeerRow>(['peer'], printPeers),
      run([binding]) {
        const counts = new Map<string, number>();
        for (const row of desk.outbound())
          if (binding === undefined || row.binding === binding) counts.set(row.peer, (counts.get(row.peer) ?? 0) + 1);
        const rows = [...counts].map(([peer, connections]) => ({ peer, connections })).sort((a, b) => b.connections - a.connections);
        return { data: rows, text: printPeers(rows) };
      },
    },
    {
      name: 'dns_cache lookup',
      args: 'NAME TYPE',
      doc: 'Ask DNS as the daemon does, through its memory.',
      async run([name, type], signal) {
        if (name === undefined || type === undefined) throw new CommandError('Say which name and which type, e.g. example.test MX.');
        const answer = await desk.lookUp(name, type, signal);
        if (!('records' in answer))
          return say(`${name} ${type}: ${answer.kind}${answer.why === undefined ? '' : ` (${answer.why})`}`, answer);
        const rows = answer.records.map((row) => ({ ...row, data: typeof row.data === 'string' ? row.data : JSON.stringify(row.data) }));
        return { data: answer, text: formatRecords(rows) };
      },
    },
    {
      name: 'dns_cache stats',
      doc: 'What was asked of DNS and what came of it.',
      merge: addRecords<object>(printStats),
      run() {
        const data = desk.dnsStats();
        return { data, text: printStats(data) };
      },
    },
  ];
}

interface PeerRow {
  readonly peer: string;
  readonly connections: number;
}

function printPeers(rows: readonly PeerRow[]): string {
  const sum = rows.reduce((total, row) => total + row.connections, 0);
  return `${rows.length === 0 ? '' : `${formatRecords(rows.map((row) => ({ ...row })))}\n`}${sum} sessions`;
}

const printStats = (data: object): string =>
  formatPairs(
    Object.entries(data).map(([key, value]): [string, string | number] => [key, typeof value === 'number' ? value : JSON.stringify(value)]),
  );
