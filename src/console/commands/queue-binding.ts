/** Commands about bindings: what each sends and has waiting, its domains, and mail that is bound anew. */
import type { PlaceParts } from '../../module/place.js';
import type { DomainRow } from '../../queue/rows.js';
import { CommandError, type ConsoleCommand, say, type Told } from '../command.js';
import type { BindingTotals, Desk } from '../desk.js';
import { addRecords, addRows, found, same } from '../merge.js';
import { formatTable } from '../table.js';
import {
  attempt,
  bindingOf,
  domainOf,
  FILTER_ARGS,
  joinTouched,
  noteOf,
  PURGED,
  readCount,
  readSeconds,
  readSelected,
  selectIn,
  tellRehearsal,
} from './queue-words.js';

export function bindingCommands(desk: Desk): readonly ConsoleCommand[] {
  const { operations, bulk } = desk.queue;
  return [
    {
      name: 'binding summary',
      args: '[NAME | group:NAME]',
      doc: 'What each binding has waiting and has sent since the last reset; a group has its sum below.',
      merge: addRows<BindingRow>(['group', 'binding'], printBindings),
      run: ([name]) => summarizeBindings(desk, name),
    },
    ...(['active', 'delayed'] as const).flatMap((kind): ConsoleCommand[] => [
      {
        name: kind,
        args: '[AT_LEAST=1]',
        doc: `Domains with so many ${kind} messages.`,
        merge: {
          spread: () => ['1'],
          ...addRows<DomainRow>(
            ['domain'],
            (rows) => printDomains(rows, kind),
            (rows, [least]) => atLeast(rows, kind, least),
          ),
        },
        run: ([least]) => listDomains(desk, {}, kind, least),
      },
      {
        name: `binding ${kind}`,
        args: 'BINDING [AT_LEAST=1]',
        doc: `Domains of a binding with so many ${kind} messages.`,
        merge: {
          spread: ([binding = '']) => [binding, '1'],
          ...addRows<DomainRow>(
            ['domain'],
            (rows) => printDomains(rows, kind),
            (rows, [, least]) => atLeast(rows, kind, least),
          ),
        },
        run: ([binding, least]) => listDomains(desk, bindingOf(binding), kind, least),
      },
    ]),
    {
      name: 'binding flush domain',
      args: 'BINDING DOMAIN|all',
      doc: 'Try all mail of a domain in a binding now; retry counts stay.',
      merge: addRecords<Concerned>(tellFlushed),
      writes: true,
      run([binding, domain]) {
        const messages = operations.flush({ ...bindingOf(binding), ...domainOf(domain) });
        return say(tellFlushed({ domain, messages }), { binding, domain, messages });
      },
    },
    {
      name: 'binding fail domain',
      args: `[--dry-run] [quiet] BINDING DOMAIN|all ${FILTER_ARGS} [note]`,
      doc: 'End all mail of a domain in a binding, or what filters select of it, with notices; quiet sends none.',
      merge: joinTouched(tellPurged),
      writes: true,
      async run(args, signal) {
        const selected = readSelected(args);
        const quiet = selected.rest[0] === 'quiet';
        const [binding, domain, ...note] = quiet ? selected.rest.slice(1) : selected.rest;
        const where = selectIn({ ...bindingOf(binding), ...domainOf(domain) }, selected);
        if (selected.isDryRun) return tellRehearsal(await bulk.rehearse(where, 'fail', signal));
        const messages = await attempt(() => bulk.purge(where, { reply: noteOf(note, PURGED), quiet }, signal));
        return say(tellPurged({ domain, messages }), {
          binding,
          domain,
          messages,
          quiet,
        });
      },
    },
    {
      name: 'binding delay domain',
      args: 'BINDING DOMAIN|all SECONDS',
      doc: 'Put the due mail of a domain in a binding off.',
      merge: addRecords<Concerned>(tellDelayed),
      writes: true,
      run([binding, domain, seconds]) {
        const where = { ...bindingOf(binding), ...domainOf(domain) };
        const messages = operations.delay(where, readSeconds(seconds), '451 4.3.2 [internal] delayed by the operator');
        return say(tellDelayed({ messages }), { binding, domain, messages });
      },
    },
    {
      name: 'suspend binding',
      args: 'BINDING [SECONDS]',
      doc: 'Start no delivery from a binding, for a time or until it is resumed.',
      merge: same,
      writes: true,
      run([binding, seconds]) {
        operations.stop(bindingOf(binding), 'suspended on the console', seconds === undefined ? undefined : readCount(seconds));
        return say(`${binding} suspended.`, { binding });
      },
    },
    {
      name: 'resume binding',
      args: 'BINDING',
      doc: 'End what suspend binding began.',
      merge: found,
      writes: true,
      run([binding]) {
        if (!operations.lift(bindingOf(binding))) throw new CommandError(`${binding} was not suspended.`);
        return say(`${binding} resumed.`, { binding });
      },
    },
    {
      name: 'rebind',
      args: `[--dry-run] BINDING|all [DOMAIN] ${FILTER_ARGS}`,
      doc: 'Choose the binding of waiting mail anew, as for new mail; the only way out for mail whose binding is gone.',
      merge: joinTouched(tellRebound),
      writes: true,
      async run(args, signal) {
        const selected = readSelected(args);
        const [binding, domain] = selected.rest;
        const where = selectIn({ ...bindingOf(binding), ...(domain !== undefined && domainOf(domain)) }, selected);
        if (selected.isDryRun) return tellRehearsal(await bulk.rehearse(where, 'move', signal));
        const messages = await attempt(() => bulk.rebind(where, desk.rebinder(), signal));
        return say(tellRebound({ messages }), { binding, domain, messages });
      },
    },
  ];
}

interface Concerned {
  readonly domain?: string | undefined;
  readonly messages: number;
}

const tellFlushed = ({ domain, messages }: Concerned): string => `${domain} flushed.  ${messages} messages requeued.`;
const tellDelayed = ({ messages }: Concerned): string => `Delayed ${messages} messages.`;
const tellRebound = ({ messages }: Concerned): string => `Rebound ${messages} messages.`;

function tellPurged({ domain, messages }: Concerned): string {
  const all = domain?.toLowerCase() === 'all';
  return `${all ? 'All domains' : domain} purged${all ? '.  ' : ', '}${messages} messages failed.`;
}

type Kind = 'active' | 'delayed';

function listDomains(desk: Desk, where: PlaceParts, kind: Kind, least: string | undefined): Told {
  const rows = atLeast(desk.queue.views.domains(where), kind, least);
  return { data: rows, text: printDomains(rows, kind) };
}

const atLeast = (rows: readonly DomainRow[], kind: Kind, least = '1'): readonly DomainRow[] =>
  rows.filter((row) => row[kind] >= readCount(least));

function printDomains(rows: readonly DomainRow[], kind: Kind): string {
  const sum = rows.reduce((total, row) => total + row[kind], 0);
  const lines = rows.map((row) => `Domain: ${row.domain}  C: ${row.connections}  A: ${row.active}  D: ${row.delayed}  S: ${row.total}`);
  return [...lines, `Total ${kind}: ${sum}`].join('\n');
}

const NOTHING: BindingTotals = { received: 0, delivered: 0, deferred: 0, failed: 0 };

function summarizeBindings(desk: Desk, name: string | undefined): Told {
  const group = name?.startsWith('group:') ? name.slice('group:'.length) : undefined;
  const snapshot = desk.snapshot();
  const totals = desk.bindingTotals();
  const seconds = Math.max(0.001, (desk.now() - desk.totals().resetAt) / 1000);
  const waiting = new Map(desk.queue.views.bindings().map((row) => [row.binding, row]));
  const configured = new Map(snapshot.bindings().map((binding) => [binding.name, binding.group ?? 'default']));
  const names = [...new Set(['default', ...configured.keys(), ...waiting.keys(), ...totals.keys()])].sort();
  const rows = names
    .map((binding) => {
      const row = waiting.get(binding);
      const { received, delivered, deferred, failed } = totals.get(binding) ?? NOTHING;
      return {
        group: configured.get(binding) ?? row?.group ?? 'default',
        binding,
        connections: row?.connections ?? 0,
        active: row?.active ?? 0,
        delayed: row?.delayed ?? 0,
        total: row?.total ?? 0,
        resident: row?.resident ?? 0,
        received,
        delivered,
        deferred,
        failed,
        deliveryRate: Number((delivered / seconds).toFixed(2)),
        configured: binding === 'default' || configured.has(binding),
      };
    })
    .filter((row) => (group === undefined ? name === undefined || row.binding === name : row.group === group));
  if (rows.length === 0) throw new CommandError(`There is no ${group === undefined ? `binding ${name}` : `binding group ${group}`}.`);
  return { data: rows, text: printBindings(rows) };
}

const COLUMNS = ['connections', 'active', 'delayed', 'total', 'resident', 'received', 'delivered', 'deferred', 'failed'] as const;

type BindingRow = Readonly<Record<(typeof COLUMNS)[number], number>> & {
  readonly group: string;
  readonly binding: string;
  readonly deliveryRate: number;
  readonly configured: boolean;
};

function printBindings(rows: readonly BindingRow[]): string {
  const lines = rows.map((row) => [
    `${row.group}/${row.binding}${row.configured ? '' : ' (gone)'}`,
    ...COLUMNS.map((column) => row[column]),
    `${Number(row.deliveryRate.toFixed(2))}/s`,
  ]);
  const sum = ['Total', ...COLUMNS.map((column) => rows.reduce((total, row) => total + row[column], 0)), ''];
  return formatTable(['Group/Binding', ...COLUMNS, 'rate'], [...lines, sum]);
}
