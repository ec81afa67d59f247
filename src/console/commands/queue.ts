/** Commands about mail that waits: mailq, domain, showqueue, message, flush, fail, delay. */
import type { PlaceParts } from '../../module/place.js';
import type { Route } from '../../module/resolver.js';
import type { DomainRow, MailRow, PlaceRow } from '../../queue/rows.js';
import { CommandError, type ConsoleCommand, say } from '../command.js';
import type { Desk } from '../desk.js';
import { addRecords, addRows, found, joinRows, type Merge, same } from '../merge.js';
import { formatPairs, formatTable } from '../table.js';
import {
  attempt,
  domainOf,
  FILTER_ARGS,
  joinTouched,
  noteOf,
  PURGED,
  readCount,
  readSeconds,
  readSelected,
  selectIn,
  showReason,
  showTime,
  tellRehearsal,
} from './queue-words.js';

export function queueCommands(desk: Desk): readonly ConsoleCommand[] {
  const { views, operations, bulk } = desk.queue;
  return [
    {
      name: 'mailq',
      args: '[-d domain] [-b binding] [-l limit=20]',
      doc: 'Where mail waits, the fullest places first.',
      merge: mergePlaces,
      run(args) {
        const { where, limit } = readFilter(args);
        const rows = views.places(where, limit);
        const title = desk.loading() < 100 ? `loading ${desk.loading()} %\n` : '';
        return { data: rows, text: title + printPlaces(rows) };
      },
    },
    {
      name: 'domain',
      args: 'NAME',
      doc: 'Routes, counts and connections of a domain.',
      merge: mergeDomain,
      run: (args, signal) => describeDomain(desk, args[0], signal),
    },
    {
      name: 'domains',
      args: '[limit=100]',
      doc: 'All domains that have mail.',
      merge: mergeDomains,
      run([limit = '100']) {
        const rows = views.domains({}, readCount(limit));
        return { data: rows, text: printDomains(rows) };
      },
    },
    {
      name: 'showqueue',
      args: 'DOMAIN [limit[,offset]=100,0]',
      doc: 'The messages of a domain.',
      merge: mergeMails,
      async run([domain, range]) {
        const [limit, offset] = readRange(range);
        const rows = await views.mails(domainOf(domain), limit, offset);
        return { data: rows, text: printMails(rows) };
      },
    },
    {
      name: 'message details',
      args: 'MID',
      doc: 'Everything about one message, and why it waits.',
      merge: found,
      async run([id = '']) {
        const mail = await attempt(() => views.details(id));
        if (!mail) throw new CommandError(`There is no message ${id}.`);
        const pairs: [string, string | number][] = [
          ['Message', mail.id],
          ['State', mail.state],
          ['Place', `${mail.group}/${mail.binding}/${mail.domain}`],
          ['Created', showTime(mail.created)],
          ['Next Attempt', showTime(mail.nextAttempt)],
          ['Retries', mail.attempts],
          ['Priority', mail.priority],
          ['Received Via', `${mail.protocol} ${mail.receivedFrom}`.trim()],
          ['Sender', `<${mail.sender ?? '?'}>`],
          ['Recipient', `<${mail.recipient ?? '?'}>`],
          ['Code', mail.lastReply],
          ['Size', mail.size],
          ['Why', showReason(mail.why)],
        ];
        return { data: mail, text: formatPairs(pairs) };
      },
    },
    {
      name: 'message retry',
      args: 'MID',
      doc: 'Try a message now.',
      merge: found,
      writes: true,
      async run([id = '']) {
        await attempt(() => operations.retry(id));
        return say('Message requeued for delivery', { id });
      },
    },
    {
      name: 'message fail',
      args: '[--dry-run] [quiet] MID [note]',
      doc: 'End a message with a notice to its sender; quiet sends none.',
      merge: found,
      writes: true,
      async run(args) {
        const { isDryRun, filter, rest } = readSelected(args);
        if (Object.keys(filter).length > 0) throw new CommandError('A message is named by its id alone.');
        const quiet = rest[0] === 'quiet';
        const [id = '', ...note] = quiet ? rest.slice(1) : rest;
        if (isDryRun) {
          if (views.why(id).code === 'unknown') throw new CommandError(`There is no message ${id}.`);
          return tellRehearsal({ messages: 1, queues: 1 });
        }
        await attempt(() => operations.failOne(id, { reply: noteOf(note, '554 5.7.0 Message manually failed.'), quiet }));
        return say('Message failed.', { id, quiet });
      },
    },
    {
      name: 'message release',
      args: 'MID',
      doc: 'Let a message go that a policy set aside.',
      merge: found,
      writes: true,
      async run([id = '']) {
        await attempt(() => operations.release(id));
        return say('Message released.', { id });
      },
    },
    {
      name: 'flush domain',
      args: 'DOMAIN|all',
      doc: 'Try all mail of a domain now; retry counts stay.',
      merge: addMessages(tellFlushed),
      writes: true,
      run([domain]) {
        const messages = operations.flush(domainOf(domain));
        return say(tellFlushed(String(domain), messages), { domain, messages });
      },
    },
    {
      name: 'fail domain',
      args: `[--dry-run] [quiet] DOMAIN|all ${FILTER_ARGS} [note]`,
      doc: 'End all mail of a domain, or what filters select of it, with notices; quiet sends none.',
      merge: joinTouched<{ domain: string; messages: number }>(({ domain, messages }) => tellPurged(domain, messages)),
      writes: true,
      async run(args, signal) {
        const selected = readSelected(args);
        const quiet = selected.rest[0] === 'quiet';
        const [domain, ...note] = quiet ? selected.rest.slice(1) : selected.rest;
        const where = selectIn(domainOf(domain), selected);
        if (selected.isDryRun) return tellRehearsal(await bulk.rehearse(where, 'fail', signal));
        const messages = await attempt(() => bulk.purge(where, { reply: noteOf(note, PURGED), quiet }, signal));
        return say(tellPurged(String(domain), messages), { domain, messages, quiet });
      },
    },
    {
      name: 'delay domain',
      args: 'DOMAIN SECONDS',
      doc: 'Put the due mail of a domain off.',
      merge: addMessages(tellDelayed),
      writes: true,
      run([domain, seconds]) {
        const messages = operations.delay(domainOf(domain), readSeconds(seconds), '451 4.3.2 [internal] delayed by the operator');
        return say(tellDelayed(String(domain), messages), { domain, messages });
      },
    },
    {
      name: 'suspend domain',
      args: 'DOMAIN [SECONDS]',
      doc: 'Start no delivery to a domain, for a time or until it is resumed.',
      merge: same,
      writes: true,
      run([domain, seconds]) {
        operations.stop(domainOf(domain), 'suspended on the console', seconds === undefined ? undefined : readCount(seconds));
        return say(`${domain} suspended.`, { domain });
      },
    },
    {
      name: 'resume domain',
      args: 'DOMAIN',
      doc: 'End what suspend domain began.',
      merge: found,
      writes: true,
      run([domain]) {
        if (!operations.lift(domainOf(domain))) throw new CommandError(`${domain} was not suspended.`);
        return say(`${domain} resumed.`, { domain });
      },
    },
  ];
}

function readFilter(args: readonly string[]): { readonly where: PlaceParts; readonly limit: number } {
  const where: { domain?: string; binding?: string } = {};
  let limit = 20;
  for (let i = 0; i < args.length; i += 2) {
    const value = args[i + 1];
    if (value === undefined) throw new CommandError(`${args[i]} needs a value.`);
    if (args[i] === '-d') where.domain = value.toLowerCase();
    else if (args[i] === '-b') where.binding = value;
    else if (args[i] === '-l') limit = Number(value);
    else throw new CommandError(`"${args[i]}" is none of -d, -b, -l.`);
  }
  if (!Number.isInteger(limit) || limit < 1) throw new CommandError('The limit is a number above 0.');
  return { where, limit };
}

async function describeDomain(desk: Desk, name: string | undefined, signal: AbortSignal) {
  if (name === undefined) throw new CommandError('Say which domain.');
  const domain = name.toLowerCase();
  const route = await desk.route(domain, signal);
  return tellDomain({ domain, route, places: desk.queue.views.places({ domain }, 100) });
}

interface DomainFacts {
  readonly domain: string;
  readonly route: Route;
  readonly places: readonly PlaceRow[];
}

function tellDomain(data: DomainFacts) {
  const { domain, route, places } = data;
  const hops = 'hops' in route ? route.hops.map((hop) => `[${hop.preference} ${hop.name}] => ${hop.ip}:${hop.port}`) : [route.problem];
  const counts = places.map((row) => [`${row.group}/${row.binding}`, row.active, row.delayed, row.connections, row.stopped]);
  const title = 'hops' in route ? `Domain '${domain}' has ${route.hops.length} hops from ${route.from}` : `Domain '${domain}' has no route`;
  return { data, text: [title, ...hops, formatTable(['Group/Binding', 'AQ', 'DQ', 'Conn', 'Stopped'], counts)].join('\n') };
}

function printPlaces(rows: readonly PlaceRow[]): string {
  const lines = rows.map((row) => [
    `${row.group}/${row.binding}`,
    row.domain,
    row.active,
    row.delayed,
    row.held,
    row.connections,
    row.stopped,
  ]);
  return formatTable(['Group/Binding', 'Domain', 'AQ', 'DQ', 'Held', 'Conn', 'Stopped'], lines);
}

const printDomains = (rows: readonly DomainRow[]): string =>
  rows.map((row) => `Domain: ${row.domain}  C: ${row.connections}  A: ${row.active}  D: ${row.delayed}  S: ${row.total}`).join('\n');

function printMails(rows: readonly MailRow[]): string {
  const text = rows
    .map(
      (row) =>
        `[${row.state}/${row.binding}] ${row.id} Created: ${Math.floor(row.created / 1000)}\n  From: <${row.sender ?? '?'}> To: <${row.recipient ?? '?'}>`,
    )
    .join('\n');
  return text === '' ? '(none)' : text;
}

const tellFlushed = (domain: string, messages: number): string => `${domain} flushed.  ${messages} messages requeued.`;
const tellPurged = (domain: string, messages: number): string => `${domain} purged, ${messages} messages failed.`;
const tellDelayed = (_domain: string, messages: number): string => `Delayed ${messages} messages.`;

interface Concerned {
  readonly domain: string;
  readonly messages: number;
}

const addMessages = (tell: (domain: string, messages: number) => string): Merge =>
  addRecords<Concerned>(({ domain, messages }) => tell(domain, messages));

const isFuller = (a: { readonly total: number }, b: { readonly total: number }): number => b.total - a.total;

const mergePlaces = addRows<PlaceRow>(['group', 'binding', 'domain'], printPlaces, (rows, args) =>
  [...rows].sort(isFuller).slice(0, readFilter(args).limit),
);

const mergeDomains = addRows<DomainRow>(['domain'], printDomains, (rows, [limit = '100']) =>
  [...rows].sort(isFuller).slice(0, readCount(limit)),
);

const mergeDomain: Merge = {
  join(told, args) {
    const [first, ...others] = told.map(({ data }) => data as DomainFacts);
    const places = mergePlaces.join(
      [first, ...others].map((facts) => ({ data: facts?.places, text: '' })),
      ['-l', '100'],
    ).data as readonly PlaceRow[];
    return first ? tellDomain({ ...first, places }) : { data: args, text: '' };
  },
};

const readRange = (range = '100,0'): readonly [limit: number, offset: number] => {
  const [limit = 100, offset = 0] = range.split(',').map(readCount);
  return [limit, offset];
};

const mergeMails: Merge = {
  spread([domain = '', range]) {
    const [limit, offset] = readRange(range);
    return [domain, `${limit + offset},0`];
  },
  ...joinRows<MailRow>(printMails, (rows, [, range]) => {
    const [limit, offset] = readRange(range);
    return rows.slice(offset, offset + limit);
  }),
};
