/** Commands that explain: why a message or a domain waits, what shapes a place, what has happened to a message. */
import { configEval } from '../../config/verbs.js';
import { type CeilingParts, ceilingOf } from '../../queue/ceiling.js';
import type { PlaceWhy } from '../../queue/explanations.js';
import { REASONS, type Reason } from '../../queue/reasons.js';
import { CommandError, type ConsoleCommand, type Told } from '../command.js';
import type { Desk } from '../desk.js';
import { findLogFiles, findLogLines, mainLogsOf } from '../log-search.js';
import { everything, type Merge } from '../merge.js';
import { formatTable } from '../table.js';
import { showReason, showTime } from './queue-words.js';

/** Lines of a timeline; a message that was tried for weeks has fewer. */
const MOST_LINES = 1000;

export function whyCommands(desk: Desk): readonly ConsoleCommand[] {
  return [
    {
      name: 'why',
      args: 'MID | DOMAIN [BINDING]',
      doc: 'Everything that keeps a message or the mail of a domain here, and where it is set.',
      merge: everything,
      run: ([word, binding]) => explain(desk, word, binding),
    },
    {
      name: 'shape',
      args: 'DOMAIN [BINDING]',
      doc: 'Every option that shapes sending to a domain, where it comes from, and how fast that can be.',
      merge: mergeShape,
      run: ([domain, binding]) => describeShape(desk, domain, binding),
    },
    {
      name: 'timeline',
      args: 'MID',
      doc: 'What happened to a message by the logs, and where it is now.',
      merge: mergeTimeline,
      run: ([id], signal) => tellTimeline(desk, id, signal),
    },
  ];
}

async function explain(desk: Desk, word: string | undefined, binding: string | undefined): Promise<Told> {
  if (word === undefined) throw new CommandError('Say which message or domain.');
  const { views } = desk.queue;
  const chain = views.chain(word);
  if (chain[0].code !== 'unknown') {
    const told = await quoteReplies(desk, chain, word);
    return { data: told, text: told.map(showReason).join('\n') };
  }
  const domain = word.toLowerCase();
  const found = views.whyPlaces({ domain, ...(binding !== undefined && { binding }) });
  const places: PlaceWhy[] = [];
  for (const place of found) places.push({ ...place, reasons: await quoteReplies(desk, place.reasons, place.nextId) });
  if (places.length === 0) throw new CommandError(`There is no message ${word}, and no mail of a domain of that name.`);
  const lines = places.flatMap((place) => [
    `${place.group}/${place.binding}/${place.domain}: ${place.active} due (${place.inFlight} in flight), ${place.delayed} delayed, ${place.held === 0 ? '' : `${place.held} set aside, `}${place.connections} connections${place.nextAttempt === undefined ? '' : `, next due ${showTime(place.nextAttempt)}`}`,
    ...(place.reasons.length === 0 ? [`  ${sayFree(place)}`] : place.reasons.map((each) => `  ${showReason(each)}`)),
  ]);
  // Which mail is theirs is only known when it is read, at its turn.
  const { senders } = desk.queue.custody;
  const held = senders.length === 0 ? [] : [`mail of these senders is set aside at its turn (hold sender): ${senders.join(' ')}`];
  return { data: places, text: [...lines, ...held].join('\n') };
}

/** What is said of a place that may go. */
const sayFree = ({ active, delayed, held }: PlaceWhy): string =>
  active + delayed === 0 && held > 0 ? 'all of it is set aside, by a policy or an operator' : 'nothing holds it';

/** The reasons with what the last attempt was told, for a mail that waits for the next one. */
async function quoteReplies(desk: Desk, reasons: readonly Reason[], id: string | undefined): Promise<readonly Reason[]> {
  if (id === undefined || !reasons.some(({ code }) => code === REASONS.not_due.code)) return reasons;
  // Without its record the rest is still worth telling.
  const reply = (await desk.queue.views.details(id).catch(() => undefined))?.lastReply ?? '';
  return reply === '' ? reasons : reasons.map((each) => (each.code === REASONS.not_due.code ? { ...each, reply } : each));
}

function describeShape(desk: Desk, name: string | undefined, binding: string | undefined): Told {
  if (name === undefined) throw new CommandError('Say which domain.');
  const domain = name.toLowerCase();
  const snapshot = desk.snapshot();
  const known = binding === undefined || snapshot.bindings().some((each) => each.name === binding);
  if (!known) throw new CommandError(`There is no binding ${binding}.`);
  const group = binding === undefined ? undefined : snapshot.groupOf(binding);
  const where = { domain, ...(binding !== undefined && { binding }), ...(group !== undefined && { group }) };
  const words = [...(group === undefined ? [] : ['binding_group', group]), ...(binding === undefined ? [] : ['binding', binding])];
  const values = snapshot.at(where);
  const options = Object.keys(values)
    .map((option) => {
      const { text, scopeKey = 'default', file, line } = configEval(snapshot, [...words, 'domain', domain, option]);
      return {
        option,
        value: text.slice(text.indexOf('=') + 1).trim(),
        scope: scopeKey,
        where: file === undefined ? '' : `${file}:${line}`,
      };
    })
    .sort((a, b) => Number(a.where === '') - Number(b.where === '') || (a.option < b.option ? -1 : 1));
  const parts = ceilingParts(desk, values, where);
  const ceiling = ceilingOf(parts);
  const rate = ceiling.messagesPerSecond === undefined ? '' : `${ceiling.messagesPerSecond.toFixed(2)} messages a second, by `;
  const pace = parts.measured
    ? `${parts.measured.batchesPerSecond.toFixed(2)} batches a second of ${parts.measured.mailsPerBatch.toFixed(1)} messages on each busy connection`
    : 'not measured yet';
  const table = formatTable(
    ['option', 'value', 'scope', 'where'],
    options.map((row) => [row.option, row.value, row.scope, row.where]),
  );
  return {
    data: { ...where, ceiling, pace: parts.measured ?? null, connections: parts.connections ?? null, options },
    text: `ceiling: ${rate}${ceiling.because}\npace: ${pace}\nconnections: at most ${parts.connections ?? 'as many as the goal asks for'}\n\n${table}`,
  };
}

type Shaping = ReturnType<ReturnType<Desk['snapshot']>['at']>;

function ceilingParts(desk: Desk, values: Shaping, where: { domain: string; binding?: string; group?: string }): CeilingParts {
  const limits = [values.max_outbound_connections, values.scope_max_outbound_connections, values.server_max_outbound_connections];
  const finite = limits.filter((limit): limit is number => limit !== undefined && limit > 0);
  return {
    messageRate: rateOf(values.outbound_throttle_messages),
    connectionRate: rateOf(values.outbound_throttle_connections),
    mailsPerConnection: values.max_deliveries_per_connection,
    connections: finite.length === 0 ? undefined : Math.min(...finite),
    measured: desk.queue.paceOf(where),
  };
}

const rateOf = (throttle: Shaping['outbound_throttle_messages']): number | undefined =>
  throttle === undefined || throttle === 'none' ? undefined : throttle.count / throttle.seconds;

async function tellTimeline(desk: Desk, id: string | undefined, signal: AbortSignal): Promise<Told> {
  if (id === undefined) throw new CommandError('Say which message.');
  const files = await findLogFiles(desk.mainLogs?.() ?? mainLogsOf(desk.snapshot()));
  const lines: { readonly file: string; readonly line: string; readonly at: number }[] = [];
  for (const file of files) {
    for await (const line of findLogLines(file, `@${id}@`, signal)) {
      lines.push({ file, line, at: timeOf(line) });
      if (lines.length >= MOST_LINES) break;
    }
  }
  lines.sort((a, b) => a.at - b.at);
  const chain = desk.queue.views.chain(id);
  const isHere = chain[0].code !== 'unknown';
  if (lines.length === 0 && !isHere) throw new CommandError(`Neither the queue nor the logs know ${id}.`);
  const history = lines.map(({ at, line }) => `${showTime(at)} ${describeLine(line)}`);
  const now = isHere ? chain.map((each) => `now: ${showReason(each)}`) : ['now: not in the queue'];
  return { data: { id, lines, now: isHere ? chain : null }, text: [...history, ...now].join('\n') };
}

/** The logs are everybody's; where the message is now only its worker knows. */
const mergeTimeline: Merge = {
  any: true,
  join: (told) => told.find(({ data }) => (data as { now: unknown }).now !== null) ?? (told[0] as Told),
};

/** The options are the same everywhere; the pace is told by one that has had connections. */
const mergeShape: Merge = {
  any: true,
  join: (told) => told.find(({ data }) => (data as { pace: unknown }).pace !== null) ?? (told[0] as Told),
};

/** Wall milliseconds of a line; 16 digits are microseconds. */
const timeOf = (line: string): number => {
  const stamp = line.slice(0, line.indexOf('@'));
  return stamp.length >= 16 ? Number(stamp) / 1000 : Number(stamp) * 1000;
};

/** The letter of the line in words, with what follows it. */
function describeLine(line: string): string {
  const fields = line.split('@');
  const [, , , , type = '', domain = '', , group = '', binding = ''] = fields;
  if (type === 'R')
    return `received for ${fields[5]}@${fields[6]} from <${fields[7]}${fields[8] === '' ? '' : `@${fields[8]}`}>, ${fields[10]} octets`;
  if (type === 'D') return `delivered to ${domain} through ${group}/${binding} at ${fields[11]}, ${fields[10]} s after it came`;
  if (type === 'T' || type === 'P')
    return `${type === 'T' ? 'deferred' : 'failed'} at ${domain} through ${group}/${binding}${fields[12] === '' ? '' : ` at ${fields[12]}`}: ${fields.slice(13).join('@')}`;
  return line;
}
