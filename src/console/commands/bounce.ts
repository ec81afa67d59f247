/** Commands about bounce classes: which replies no rule knows. */
import { CLASS_NAMES } from '../../bounce/classify.js';
import type { ConsoleCommand } from '../command.js';
import { CommandError, say } from '../command.js';
import type { Desk } from '../desk.js';
import { addRecords, type Merge } from '../merge.js';
import { formatTable } from '../table.js';

/** Rows shown when no number is given. */
const MOST = 50;

export function bounceCommands(desk: Desk): readonly ConsoleCommand[] {
  return [
    {
      name: 'bounce unknown',
      args: '[number]',
      doc: 'Replies that no bounce rule knows, most frequent first, with names and numbers masked.',
      merge: mergeUnknown,
      run([number]) {
        const most = number === undefined ? MOST : Number(number);
        if (!Number.isSafeInteger(most) || most < 1) throw new CommandError('Say how many, as a number.');
        const { total, list } = desk.unknownBounces();
        return tellUnknown({ total, different: list.length, replies: list.slice(0, most) });
      },
    },
    {
      name: 'bounce forget',
      doc: 'Forget the unknown replies, as after new rules.',
      writes: true,
      merge: addRecords<{ count: number }>(({ count }) => tellForgotten(count)),
      run() {
        const count = desk.forgetUnknownBounces();
        return say(tellForgotten(count), { count });
      },
    },
    {
      name: 'bounce class',
      args: '"REPLY"',
      doc: 'The class of a reply by the rules of the core, and what makes it.',
      run([reply]) {
        if (reply === undefined) throw new CommandError('Say which reply.');
        const { class: bounceClass, rule } = desk.explainBounce(reply);
        const name = CLASS_NAMES.get(bounceClass) ?? '';
        return say(`${bounceClass} ${name}${rule === '' ? '' : `, by "${rule}"`}`, { class: bounceClass, name, rule });
      },
    },
  ];
}

interface Unknown {
  readonly total: number;
  readonly different: number;
  readonly replies: readonly { readonly masked: string; readonly count: number }[];
}

function tellUnknown(data: Unknown) {
  const { total, different, replies } = data;
  if (replies.length === 0) return say('Every reply so far was known.', data);
  const table = formatTable(
    ['count', 'reply'],
    replies.map(({ count, masked }) => [count, masked]),
  );
  return { data, text: `${total} unknown replies, ${different} different ones\n${table}` };
}

const tellForgotten = (count: number): string => `${count} forgotten.`;

/** Of replies that every worker shows only the most frequent of, so `different` is at least so many. */
const mergeUnknown: Merge = {
  join(told, [number]) {
    const parts = told.map(({ data }) => data as Unknown);
    const counts = new Map<string, number>();
    for (const { masked, count } of parts.flatMap(({ replies }) => replies)) counts.set(masked, (counts.get(masked) ?? 0) + count);
    const replies = [...counts].map(([masked, count]) => ({ masked, count })).sort((a, b) => b.count - a.count);
    return tellUnknown({
      total: parts.reduce((sum, { total }) => sum + total, 0),
      different: Math.max(replies.length, ...parts.map(({ different }) => different)),
      replies: replies.slice(0, number === undefined ? MOST : Number(number)),
    });
  },
};
