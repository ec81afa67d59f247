/** Commands about the configuration in force. */

import type { Snapshot } from '../../config/snapshot.js';
import { type Answer, configEval, configGet, configLocate, configShow, configShowRecurse } from '../../config/verbs.js';
import { CommandError, type ConsoleCommand, say } from '../command.js';
import type { Desk } from '../desk.js';

const VERBS: readonly {
  readonly name: string;
  readonly args: string;
  readonly doc: string;
  readonly ask: (snapshot: Snapshot, words: readonly string[]) => Answer;
}[] = [
  { name: 'config get', args: '[scope name …] option', doc: 'The value written in exactly that scope.', ask: configGet },
  { name: 'config eval', args: '[scope name …] option', doc: 'The value in force, and where it comes from.', ask: configEval },
  { name: 'config show', args: '[scope name …]', doc: 'One level of the configuration.', ask: configShow },
  { name: 'config showrecurse', args: '[scope name …]', doc: 'The configuration with all that is inside.', ask: configShowRecurse },
  { name: 'config locate', args: 'scope [name or regex]', doc: 'Where stanzas stand.', ask: configLocate },
];

export function configCommands(desk: Desk): readonly ConsoleCommand[] {
  return [
    ...VERBS.map(
      ({ name, args, doc, ask }): ConsoleCommand => ({
        name,
        args,
        doc,
        run(words) {
          const answer = ask(desk.snapshot(), words);
          if (!answer.ok) throw new CommandError(answer.text);
          return { data: answer, text: answer.text };
        },
      }),
    ),
    {
      name: 'config reload',
      args: '[file]',
      doc: 'Read the configuration again; all of it takes effect, or none.',
      writes: true,
      async run([file]) {
        const { ok, text } = await desk.reload(file);
        if (!ok) throw new CommandError(text);
        return say(text, { snapshot: desk.snapshot().number });
      },
    },
  ];
}
