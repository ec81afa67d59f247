/** What the end of the program means for the client. */
import { parseOneLine, type Reply, reply } from '#module';

/** How a program ended. */
export type Ending =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string; readonly status: number }
  | { readonly kind: 'late' };

const TEXT = /^[245]\d\d .*\S/;
const LATE = reply(451, '4.3.0', 'pipe transport took too long');

/** What is wrong with an entry of the option, as a sentence. */
export function findFault(status: string, text: string): string | undefined {
  if (!/^\d{1,3}$/.test(status) || Number(status) > 255) return `"${status}" is no exit status; those are whole numbers from 0 to 255`;
  return TEXT.test(text) ? undefined : `"${text}" for exit status ${status} does not begin with a reply code: 2xx, 4xx or 5xx and a text`;
}

/** The replies by exit status; texts are those that findFault lets pass. */
export function readCodes(written: Readonly<Record<string, string>>): ReadonlyMap<number, Reply> {
  const codes = new Map<number, Reply>();
  for (const [status, text] of Object.entries(written)) {
    const parsed = parseOneLine(text);
    if (parsed) codes.set(Number(status), parsed);
  }
  return codes;
}

/** The reply to a message whose program ended so. A signal counts as status 128 and its number. */
export function answerFor(ending: Ending, codes: ReadonlyMap<number, Reply>, id: string): Reply {
  if (ending.kind === 'late') return LATE;
  const mapped = codes.get(ending.status);
  if (mapped) return mapped;
  if (ending.kind === 'killed') return reply(451, '4.3.0', `pipe transport was ended by ${ending.signal}`);
  return ending.status === 0 ? reply(250, '2.0.0', `OK ${id}`) : reply(504, '5.5.0', `pipe transport gave exit status ${ending.status}`);
}
