/** The page of the console's commands, from their declarations. Pure. */
import { makeCommands } from '../../console/commands/index.js';
import type { Desk } from '../../console/desk.js';
import { code, formatMarkdownTable, formatPage } from './markdown.js';

/** Markdown of docs/reference/console.md. */
export function renderConsole(): string {
  // Commands look at their desk when they run, and none of them runs here.
  const nobody = { queue: {}, moduleCommands: () => new Map() } as unknown as Desk;
  const rows = makeCommands(nobody).map(({ name, args, doc, writes }) => [
    code(args === undefined ? name : `${name} ${args}`),
    writes ? 'yes' : '',
    doc,
  ]);
  return formatPage(
    'Console',
    'Commands of `celeris console [ENDPOINT] [COMMAND…]`. Names may be written in any case; the longest name that fits counts. Quotes join words. `json COMMAND` answers with data in place of text.',
    `## The ${rows.length} commands of the core`,
    formatMarkdownTable(['command', 'changes something', 'what it does'], rows),
    '## Commands of modules',
    'A module adds commands under its name, `MODULE:INSTANCE COMMAND`, or `MODULE COMMAND` where it stands once only or its stanza has no name. `help` lists those of the modules that run; the page of each module explains them.',
    '## The wire',
    'A unix socket or a TCP port of a `Control_Listener`. Each message is a length of four octets, big end first, and that many octets of JSON: `{"id":1,"command":"summary","json":false}` up to 1 MiB, answered by `{"id":1,"ok":true,"text":"…"}` or, with `json`, `data` in place of `text`. `ok` is false when the command could not be done; `text` then says why. Whatever is no such message closes the connection.',
  );
}
