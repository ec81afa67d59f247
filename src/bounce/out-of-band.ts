/** Mail for bounce_domains: read as a notice about mail of ours, classed, told; then delivered or dropped as bounce_behavior says. */
import type { Address } from '../mail/address.js';
import { STAGE } from '../module/attempt.js';
import type { Later } from '../module/hook.js';
import { hooks } from '../module/hooks.js';
import type { Context } from '../module/manifest.js';
import type { Body, Draft, Message, Reception } from '../module/message.js';
import type { Session } from '../module/session.js';
import { discard } from '../module/verdict.js';
import type { Classifier } from './classifier.js';
import { CLASS, classifyStatus } from './classify.js';
import { findField } from './mime.js';
import { type Finding, type Letter, readReturned, readVerp } from './returned.js';
import { LONGEST_TEXT } from './ruleset.js';

/** Octets of a body and of a header block that are read; reports stand at the beginning. */
const READ_LIMIT = 64 * 1024;

export interface OutOfBandPorts {
  readonly classifier: Classifier;
  /** Hook classify_notice. */
  ask(text: string): Later<number | undefined>;
  /** Some domain may drop notices: only then is every copy asked about. */
  readonly drops: boolean;
}

/** A finding with its class. */
interface Told {
  readonly recipient: Address | undefined;
  readonly bounceClass: number;
  readonly text: string;
}

interface Noted {
  readonly told: readonly Told[];
  readonly messageId: string | undefined;
  /** Addresses of ours that the message was for. */
  readonly addresses: ReadonlySet<string>;
  readonly connectionId: string;
  readonly ip: string;
}

/** Registers what reads, tells and drops notices. Messages are noted until the last copy of them is gone. */
export function watchNotices(ctx: Context, ports: OutOfBandPorts): void {
  const noted = new WeakMap<Reception, Noted>();

  ctx.on('data', (session, draft) => {
    const addresses = draft.recipients.filter((address) => isWatched(ctx, session, address));
    if (addresses.length === 0) return undefined;
    return note(ctx, ports, draft, addresses).then(
      (told) => {
        noted.set(draft.reception, {
          ...told,
          addresses: new Set(addresses.map(String)),
          connectionId: session.id,
          ip: session.peer.ip,
        });
      },
      // It only listens: what it cannot read is delivered like any other mail.
      (error: unknown) => ctx.log('error', `a notice for ${addresses[0]} could not be read: ${String(error)}`),
    );
  });

  const tell = (message: Message): boolean => {
    const found = noted.get(message.reception);
    if (!found?.addresses.has(String(message.recipient))) return false;
    for (const { recipient, bounceClass, text } of found.told) {
      const domain = recipient?.domain ?? '';
      ctx.tell(hooks.bounced, {
        mail: message,
        // Where the message that failed was sent from is not known here.
        place: { group: 'default', binding: 'default', domain, index: -1 },
        at: ctx.now(),
        connectionId: found.connectionId,
        recipient,
        sender: message.recipient,
        stage: STAGE.outOfBand,
        bounceClass,
        ip: found.ip,
        reply: text,
        ...(found.messageId !== undefined && { originalId: found.messageId }),
      });
    }
    return true;
  };

  ctx.on('received', (mail) => void tell(mail));
  if (!ports.drops) return;
  ctx.on('spool', (draft) => {
    if (ctx.core({ domain: draft.recipient.domain }).bounce_behavior !== 'blackhole') return undefined;
    return tell(draft) ? discard('a notice, and bounce_behavior = blackhole') : undefined;
  });
}

/** The domain is one of bounce_domains, and bounce_pattern, where it is set, matches the address. */
function isWatched(ctx: Context, session: Session, address: Address): boolean {
  if (session.options.bounce_domains?.has(address.domain) !== true) return false;
  const pattern = ctx.core({ domain: address.domain }).bounce_pattern;
  return pattern === undefined || pattern.test(String(address));
}

async function note(
  ctx: Context,
  ports: OutOfBandPorts,
  draft: Draft,
  addresses: readonly Address[],
): Promise<{ readonly told: readonly Told[]; readonly messageId: string | undefined }> {
  const letter: Letter = {
    headers: draft.headers.bytes().subarray(0, READ_LIMIT).toString('utf8'),
    body: await readHead(draft.content),
  };
  const returned = readReturned(letter, suppressing(ctx, addresses));
  const verp = addresses.map(readVerp).find((address) => address !== undefined);
  const told: Told[] = [];
  if (returned.kind === 'letter') {
    const text = textOfLetter(letter);
    const bounceClass = (await ports.ask(text)) ?? ports.classifier.classifyLetter(text)?.class ?? classOfLetter(letter);
    told.push({ recipient: verp, bounceClass, text: (findField(letter.headers, 'subject') ?? '').slice(0, 500) });
  }
  for (const finding of returned.findings) {
    if (finding.action === 'other') continue;
    const recipient = finding.recipient ?? (returned.findings.length === 1 ? verp : undefined);
    told.push({ recipient, bounceClass: await classOf(ports, finding, recipient), text: finding.text });
  }
  return { told, messageId: returned.messageId };
}

async function classOf({ ask, classifier }: OutOfBandPorts, finding: Finding, recipient: Address | undefined): Promise<number> {
  if (recipient === undefined) return CLASS.noRecipient;
  if (finding.action === 'delayed') return CLASS.transient;
  const asked = await ask(finding.text);
  if (asked !== undefined) return asked;
  const found = classifier.explain(finding.text).class;
  if (found > CLASS.undetermined) return found;
  const byStatus = finding.status === undefined ? undefined : classifyStatus(finding.status);
  if (byStatus !== undefined) return byStatus;
  // A status that says nothing, and no words.
  if (!/[a-z]/i.test(finding.text)) return finding.status?.startsWith('4') ? CLASS.transient : CLASS.generic;
  classifier.unknowns.note(finding.text);
  return CLASS.undetermined;
}

/** An answer that no rule knows but that says of itself that no human wrote it (RFC 3834). */
function classOfLetter({ headers }: Letter): number {
  const automatic = findField(headers, 'auto-submitted')?.trim().toLowerCase();
  const isAutomatic = automatic !== undefined && automatic !== '' && !automatic.startsWith('no');
  return isAutomatic || findField(headers, 'x-autoreply') !== undefined ? CLASS.autoReply : CLASS.undetermined;
}

/** Subject and body with their lines joined: phrases may be broken anywhere. */
const textOfLetter = ({ headers, body }: Letter): string =>
  `${findField(headers, 'subject') ?? ''} ${body.slice(0, LONGEST_TEXT)}`.replace(/\s+/g, ' ');

/** Never the recipient of a failed mail: what bounce_suppress_list names, and the address the notice came to. */
function suppressing(ctx: Context, ours: readonly Address[]): (address: Address) => boolean {
  const list = new Set((ctx.core({}).bounce_suppress_list ?? []).flatMap((entry) => entry.toLowerCase().split(',')).map((s) => s.trim()));
  for (const address of ours) list.add(String(address).toLowerCase());
  return (address) => list.has(String(address).toLowerCase()) || list.has(`@${address.domain.toLowerCase()}`);
}

/** The first octets of a body, as text. */
async function readHead(content: Body): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content.resident ?? content.read()) {
    chunks.push(chunk.subarray(0, READ_LIMIT - size));
    size += chunk.length;
    if (size >= READ_LIMIT) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
