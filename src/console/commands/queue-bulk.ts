/** Commands about all mail that filters select, and about mail that is set aside. */
import type { Filter, Touched } from '../../queue/selection.js';
import { CommandError, type ConsoleCommand, say } from '../command.js';
import type { Desk } from '../desk.js';
import { addRecords, found, same } from '../merge.js';
import { attempt, FILTER_ARGS, joinTouched, noteOf, PURGED, readSeconds, readSelected, tellRehearsal } from './queue-words.js';

type Moved = Touched & { readonly from?: string; readonly to?: string };

const tellFailed = ({ messages, queues }: Touched): string => `${messages} messages failed in ${queues} queues.`;
const tellFlushed = ({ messages }: Touched): string => `${messages} messages requeued.`;
const tellDelayed = ({ messages }: Touched): string => `Delayed ${messages} messages.`;
const tellMoved = ({ messages, from, to }: Moved): string => `Moved ${messages} messages from '${from}' to '${to}'`;
const tellHeld = ({ messages }: Touched): string => `Held ${messages} messages.`;
const tellReleased = ({ messages }: { readonly messages: number }): string => `Released ${messages} messages.`;

/** Without any filter it would be everything: nobody means that by accident. */
function insist(filter: Filter): void {
  if (Object.keys(filter).length === 0) throw new CommandError(`Say which mail: ${FILTER_ARGS}.`);
}

export function bulkCommands(desk: Desk): readonly ConsoleCommand[] {
  const { bulk, operations, custody } = desk.queue;
  return [
    {
      name: 'fail all',
      args: `[--dry-run] [quiet] ${FILTER_ARGS} [note]`,
      doc: 'End all mail that the filters select with notices; quiet sends none. At least one filter is needed.',
      merge: joinTouched(tellFailed),
      writes: true,
      async run(args, signal) {
        const { filter, isDryRun, rest } = readSelected(args);
        insist(filter);
        if (isDryRun) return tellRehearsal(await bulk.rehearse(filter, 'fail', signal));
        const quiet = rest[0] === 'quiet';
        const touched = await attempt(() => bulk.fail(filter, { reply: noteOf(quiet ? rest.slice(1) : rest, PURGED), quiet }, signal));
        return say(tellFailed(touched), { ...touched, quiet });
      },
    },
    {
      name: 'flush all',
      args: `[--dry-run] ${FILTER_ARGS}`,
      doc: 'Try all delayed mail that the filters select now; retry counts stay.',
      merge: joinTouched(tellFlushed),
      writes: true,
      async run(args, signal) {
        const { filter, isDryRun } = readSelected(args);
        insist(filter);
        if (isDryRun) return tellRehearsal(await bulk.rehearse(filter, 'flush', signal));
        const touched = await bulk.flush(filter, signal);
        return say(tellFlushed(touched), touched);
      },
    },
    {
      name: 'delay',
      args: `[--dry-run] SECONDS ${FILTER_ARGS}`,
      doc: 'Put all due mail that the filters select off. At least one filter is needed.',
      merge: joinTouched(tellDelayed),
      writes: true,
      async run(args, signal) {
        const { filter, isDryRun, rest } = readSelected(args);
        insist(filter);
        const seconds = readSeconds(rest[0]);
        if (isDryRun) return tellRehearsal(await bulk.rehearse(filter, 'delay', signal));
        const touched = await bulk.delay(filter, seconds, '451 4.3.2 [internal] delayed by the operator', signal);
        return say(tellDelayed(touched), touched);
      },
    },
    {
      name: 'reroute queue',
      args: `[--dry-run] FROM|all TO ${FILTER_ARGS}`,
      doc: 'Queue the mail of one routing domain under another one.',
      merge: joinTouched(tellMoved),
      writes: true,
      async run(args, signal) {
        const { filter, isDryRun, rest } = readSelected(args);
        const [from, to] = rest.map((word) => word.toLowerCase());
        if (from === undefined || to === undefined) throw new CommandError('Say from which domain to which.');
        const where: Filter = from === 'all' ? filter : { ...filter, domain: from };
        insist(where);
        if (isDryRun) return tellRehearsal(await bulk.rehearse(where, 'move', signal));
        const touched = await attempt(() => bulk.move(where, { domain: to }, signal));
        return say(tellMoved({ ...touched, from, to }), { ...touched, from, to });
      },
    },
    {
      name: 'message hold',
      args: 'MID',
      doc: 'Set a message aside until it is released; a restart keeps it so.',
      merge: found,
      writes: true,
      async run([id = '']) {
        await attempt(() => operations.hold(id));
        return say('Message held.', { id });
      },
    },
    {
      name: 'hold all',
      args: `[--dry-run] ${FILTER_ARGS}`,
      doc: 'Set all waiting mail that the filters select aside.',
      merge: joinTouched(tellHeld),
      writes: true,
      async run(args, signal) {
        const { filter, isDryRun } = readSelected(args);
        insist(filter);
        if (isDryRun) return tellRehearsal(await bulk.rehearse(filter, 'hold', signal));
        const touched = await bulk.hold(filter, signal);
        return say(tellHeld(touched), touched);
      },
    },
    {
      name: 'hold sender',
      args: 'ADDRESS|@DOMAIN|<>',
      doc: 'Set the mail of a sender aside from now on, what waits and what comes, each mail at its turn (`hold all --sender` does so at once, with what waits); a restart forgets the sender and keeps what was set aside.',
      merge: same,
      writes: true,
      run([sender]) {
        if (sender === undefined) throw new CommandError('Say which sender.');
        if (!custody.holdSender(sender)) throw new CommandError('Too many senders are held already.');
        return say(`Mail of ${sender} is held.`, { sender });
      },
    },
    {
      name: 'release sender',
      args: 'ADDRESS|@DOMAIN|<>',
      doc: 'Let the mail of a sender go that an operator set aside.',
      merge: { ...addRecords<{ messages: number }>(tellReleased), any: true },
      writes: true,
      async run([sender], signal) {
        if (sender === undefined) throw new CommandError('Say which sender.');
        const messages = await custody.releaseSender(sender, signal);
        if (messages === undefined) throw new CommandError(`No mail of ${sender} is held.`);
        return say(tellReleased({ messages }), { sender, messages });
      },
    },
    {
      name: 'hold list',
      doc: 'Senders whose mail is held, and places that were suspended on the console or by a module.',
      run() {
        const data = { senders: custody.senders, stops: operations.stops() };
        const stops = data.stops.map(({ where, why, untilMs }) => {
          const place = `${where.group ?? '*'}/${where.binding ?? '*'}/${where.domain ?? '*'}`;
          return `${place}: ${why}${untilMs === undefined ? '' : ` until ${new Date(untilMs).toISOString()}`}`;
        });
        const lines = [...data.senders.map((sender) => `sender ${sender}`), ...stops];
        return { data, text: lines.length === 0 ? '(none)' : lines.join('\n') };
      },
    },
  ];
}
