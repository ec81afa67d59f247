/** Arguments and environment of the program: what a peer wrote fills one argument or one value, and is never an option. */
import type { Draft } from '#module';

/** What may stand in an argument, as "{sender}". */
const NAMES = ['sender', 'recipient', 'user', 'domain', 'id'] as const;
type Name = (typeof NAMES)[number];

const PLACEHOLDER = /\{(\w+)\}/g;
const isName = (word: string): word is Name => NAMES.some((name) => name === word);

/** What is wrong with an argument, as a sentence. */
export function findFault(argument: string): string | undefined {
  if (argument.includes('\0')) return 'an argument holds no NUL';
  for (const [whole, word = ''] of argument.matchAll(PLACEHOLDER))
    if (!isName(word)) return `${whole} stands for nothing; there are ${NAMES.map((name) => `{${name}}`).join(' ')}`;
  return undefined;
}

const valuesOf = (draft: Draft): Readonly<Record<Name, string>> => ({
  sender: draft.sender === null ? '' : String(draft.sender),
  recipient: String(draft.recipient),
  user: draft.recipient.localMeaning,
  domain: draft.recipient.domain,
  id: draft.id,
});

/** The arguments for one message; undefined when an address would be read as an option ("-x@example.com") or cannot be said. */
export function fillArguments(templates: readonly string[], draft: Draft): readonly string[] | undefined {
  const values = valuesOf(draft);
  if (Object.values(values).some((value) => value.includes('\0'))) return undefined;
  const filled = templates.map((template) => template.replace(PLACEHOLDER, (whole, word: string) => (isName(word) ? values[word] : whole)));
  return filled.some((argument, n) => argument.startsWith('-') && !templates[n]?.startsWith('-')) ? undefined : filled;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The environment for one message; nothing of the daemon's own goes along. */
export function makeEnvironment(more: Readonly<Record<string, string>>, draft: Draft): Record<string, string> {
  const { sender, recipient, user, domain, id } = valuesOf(draft);
  const client = draft.reception.source?.ip ?? '';
  return { PATH, ...more, SENDER: sender, RECIPIENT: recipient, LOCAL: user, DOMAIN: domain, QUEUE_ID: id, CLIENT_ADDRESS: client };
}
