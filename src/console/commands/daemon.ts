/** Commands about the daemon itself: help, version, pid, summary, logs, shutdown. */
import os from 'node:os';
import { CommandError, type ConsoleCommand, say } from '../command.js';
import type { Desk } from '../desk.js';
import { findCommand } from '../dispatch.js';
import { addAlike, addNumbers, addRecords, addRows, joinRows, type Merge, same } from '../merge.js';
import { type Cell, formatPairs, formatRecords, formatTable } from '../table.js';

const seconds = (ms: number): number => Math.round(ms / 1000);

export function daemonCommands(desk: Desk, all: () => readonly ConsoleCommand[]): readonly ConsoleCommand[] {
  return [
    {
      name: 'help',
      args: '[command]',
      doc: 'List the commands, or explain one.',
      run(args) {
        const rows = all().map(({ name, args: words = '', doc, writes = false }) => ({ command: name, args: words, doc, writes }));
        if (args.length === 0)
          return {
            data: rows,
            text: formatTable(
              ['command', 'what it does'],
              rows.map((row) => [`${row.command} ${row.args}`.trim(), row.doc]),
            ),
          };
        const found = findCommand(args, all());
        const near = rows.filter(({ command }) => command.startsWith(args.join(' ').toLowerCase()));
        const shown = found ? rows.filter(({ command }) => command === found.command.name) : near;
        if (shown.length === 0) throw new CommandError(`There is no command "${args.join(' ')}".`);
        return {
          data: shown,
          text: shown.map((row) => `${row.command} ${row.args}\n  ${row.doc}${row.writes ? '\n  Changes something.' : ''}`).join('\n'),
        };
      },
    },
    {
      name: 'version',
      doc: 'Product, version and machine.',
      run() {
        const data = { product: desk.product, version: desk.version, node: process.version, host: os.hostname() };
        return {
          data,
          text: `# ${data.product} ${data.version}\n# node ${data.node} on ${os.type()} ${os.release()}\n# ${data.host}\n# up ${seconds(desk.now() - desk.startedAt)} s`,
        };
      },
    },
    { name: 'pid', doc: 'Process id.', run: () => say(String(desk.pid), { pid: desk.pid }) },
    {
      name: 'shutdown',
      doc: 'Stop: sockets close, what is under way may finish.',
      writes: true,
      async run() {
        const waits = await desk.waits();
        setImmediate(() => desk.stop());
        return say(waits.length === 0 ? 'Stopping.' : `Stopping; waiting for ${waits.join(', ')}.`, { waits });
      },
    },
    { name: 'summary', doc: 'Counts and rates since the last reset.', merge: summed, run: () => tellSummary(summarize(desk)) },
    {
      name: 'summary reset',
      doc: 'Begin the counts anew.',
      writes: true,
      merge: same,
      run() {
        desk.resetTotals();
        return say('statistics cleared.');
      },
    },
    {
      name: 'paniclog',
      doc: 'The last lines of each level.',
      merge: joinRows(printRecords, uniqueInTime),
      run() {
        const rows = desk.recent().map(({ at, level, module, text }) => ({ time: new Date(at).toISOString(), level, module, text }));
        return { data: rows, text: printRecords(rows) };
      },
    },
    {
      name: 'reopen logs',
      doc: 'Every logger closes and opens its files.',
      writes: true,
      merge: same,
      run() {
        desk.reopenLogs();
        return say('Logs reopened.');
      },
    },
    {
      name: 'memory',
      doc: 'Memory in use, octets.',
      merge: addRecords<Record<string, number>>((record) => formatPairs(Object.entries(record))),
      run() {
        const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
        const data = { rss, heapUsed, external, arrayBuffers, ...desk.queue.memory() };
        return { data, text: formatPairs(Object.entries(data)) };
      },
    },
    {
      name: 'counter list',
      doc: 'Counters of modules.',
      merge: addRows<Record<string, Cell>>(['counter'], formatRecords),
      run() {
        const rows = [...desk.counters()].map(([counter, value]) => ({ counter, value }));
        return { data: rows, text: formatRecords(rows) };
      },
    },
    {
      name: 'cache list',
      doc: 'Caches and their entries.',
      merge: addRows<Record<string, Cell>>(['name'], formatRecords),
      run: () => ({ data: desk.caches(), text: formatRecords([...desk.caches()]) }),
    },
    {
      name: 'cache flush',
      args: 'NAME',
      doc: 'Empty a cache.',
      writes: true,
      merge: addRecords<{ cache: string; entries: number }>(({ cache, entries }) => tellFlushed(cache, entries)),
      run([name = '']) {
        const entries = desk.clearCache(name);
        if (entries === undefined) throw new CommandError(`There is no cache "${name}".`);
        return say(tellFlushed(name, entries), { cache: name, entries });
      },
    },
  ];
}

const tellFlushed = (name: string, entries: number): string => `flushed ${entries} entries from cache '${name}'`;

interface RecordRow {
  readonly time: string;
  readonly level: string;
  readonly module: string;
  readonly text: string;
}

const printRecords = (rows: readonly RecordRow[]): string =>
  rows.map((row) => `${row.time} ${row.level} ${row.module}: ${row.text}`).join('\n');

/** In the order of time, and once what several workers were told. */
function uniqueInTime(rows: readonly RecordRow[]): readonly RecordRow[] {
  const unique = new Map(rows.map((row) => [JSON.stringify(row), row]));
  return [...unique.values()].sort((a, b) => (a.time < b.time ? -1 : 1));
}

/** Counts are added; a time or a share is that of the worker that is worst off. */
const summed: Merge = {
  join(told) {
    const parts = told.map(({ data }) => data as ReturnType<typeof summarize>);
    const sum = parts.reduce((a, b) => ({
      ...addNumbers(a, b),
      oldestMessageSeconds: Math.max(a.oldestMessageSeconds, b.oldestMessageSeconds),
      uptimeSeconds: Math.max(a.uptimeSeconds, b.uptimeSeconds),
      loadingPercent: Math.min(a.loadingPercent, b.loadingPercent),
      spoolRefuses: a.spoolRefuses || b.spoolRefuses,
      waitsFor: [...addAlike(['code'], [...a.waitsFor, ...b.waitsFor])].sort((x, y) => y.messages - x.messages),
      statisticsLastReset: [a.statisticsLastReset, b.statisticsLastReset].sort()[0] ?? '',
    }));
    return tellSummary({
      ...sum,
      deliveryRate: Number(sum.deliveryRate.toFixed(2)),
      receptionRate: Number(sum.receptionRate.toFixed(2)),
    });
  },
};

function summarize(desk: Desk) {
  const totals = desk.totals();
  const queue = desk.queue.views.summary();
  const age = Math.max(0.001, (desk.now() - totals.resetAt) / 1000);
  const oldest = desk.queue.views.oldest({});
  const spool = desk.spool.stats();
  return {
    outboundConcurrency: desk.outboundConnections(),
    inboundConcurrency: desk.sessions(),
    activeDomains: queue.domains,
    activeQueueSize: queue.active,
    delayedQueueSize: queue.delayed,
    heldQueueSize: queue.held,
    totalQueueSize: queue.total,
    queued: queue.total,
    oldestMessageSeconds: oldest === undefined ? 0 : seconds(desk.now() - oldest),
    waitsFor: desk.queue.views.reasons(),
    successfullyDelivered: totals.delivered,
    failed: totals.failed,
    deferred: totals.deferred,
    rejected: totals.rejected,
    received: totals.received,
    deliveryRate: Number((totals.delivered / age).toFixed(2)),
    receptionRate: Number((totals.received / age).toFixed(2)),
    spoolDiskBytes: spool.diskBytes,
    spoolRefuses: desk.spool.refusing ?? '',
    loadingPercent: desk.loading(),
    statisticsLastReset: new Date(totals.resetAt).toISOString(),
    uptimeSeconds: seconds(desk.now() - desk.startedAt),
    /** How many have answered. */
    workers: 1,
  };
}

function tellSummary(data: ReturnType<typeof summarize>) {
  const words: readonly (readonly [string, string | number])[] = [
    ['Outbound Concurrency', data.outboundConcurrency],
    ['Inbound Concurrency', data.inboundConcurrency],
    ['Active Domains', data.activeDomains],
    ['Active Queue Size', data.activeQueueSize],
    ['Delayed Queue Size', data.delayedQueueSize],
    ['Held Queue Size', data.heldQueueSize],
    ['Total Queue Size', data.totalQueueSize],
    ['Oldest Message', `${data.oldestMessageSeconds} s`],
    ...data.waitsFor.map(({ code, messages }) => [`Waiting: ${code}`, messages] as const),
    ['Successfully Delivered Messages', data.successfullyDelivered],
    ['Failed Messages', data.failed],
    ['Deferred Attempts', data.deferred],
    ['Rejected Messages', data.rejected],
    ['Received Messages', data.received],
    ['Delivery Rate', `${data.deliveryRate}/s`],
    ['Reception Rate', `${data.receptionRate}/s`],
    ['Spool on Disk', `${data.spoolDiskBytes} octets`],
    ...(data.spoolRefuses === '' ? [] : [['Spool refuses', data.spoolRefuses] as const]),
    ...(data.loadingPercent < 100 ? [['Loading', `${data.loadingPercent} %`] as const] : []),
    ['Statistics Last Reset', data.statisticsLastReset],
    ['Uptime', `${data.uptimeSeconds} s`],
    ...(data.workers > 1 ? [['Workers', data.workers] as const] : []),
  ];
  return { data, text: `Summary Statistics\n${words.map(([name, value]) => `${name}:\t${value}`).join('\n')}` };
}
