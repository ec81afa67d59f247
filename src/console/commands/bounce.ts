/** Commands about bounce classes: which replies no rule knows. */
import { CLASS_NAMES } from '../../bounce/classify.js';
import type { ConsoleCommand } from '../command.js';
import { CommandError, say } from '../command.js';
import type { Desk } from '../desk.js';
import { formatTable } from '../table.js';

/** Rows shown when no number is given. */
const MOST = 50;

export function bounceCommands(desk: Desk): readonly ConsoleCommand[] {
  return [
    {
      name: 'bounce unknown',
      args: '[number]',
      doc: 'Replies that no bounce rule knows, most frequent first, with names and numbers masked.',
      run([number]) {
        const most = number === undefined ? MOST : Number(number);
        if (!Number.isSafeInteger(most) || most < 1) throw new CommandError('Say how many, as a number.');
        const { total, list } = desk.unknownBounces();
        const shown = list.slice(0, most);
        const data = { total, different: list.length, replies: shown };
        if (shown.length === 0) return say('Every reply so far was known.', data);
        const table = formatTable(
          ['count', 'reply'],
          shown.map(({ count, masked }) => [count, masked]),
        );
        return { data, text: `${total} unknown replies, ${list.length} different ones\n${table}` };
      },
    },
    {
      name: 'bounce forget',
      doc: 'Forget the unknown replies, as after new rules.',
      writes: true,
      run() {
        const count = desk.forgetUnknownBounces();
        return say(`${count} forgotten.`, { count });
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
