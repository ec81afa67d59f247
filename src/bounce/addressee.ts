/** Who hears of a mail's fate, and how much of it goes along. Pure. */
import type { OutboundValues } from '../config/snapshot.js';
import { type Address, toAddress } from '../mail/address.js';
import type { NoticeFacts } from '../mail/dsn.js';
import type { Copy } from '../module/copy.js';
import { type Mail, NOTIFY } from '../module/message.js';

/** A whole original above this size goes along as its headers only. */
const LARGEST_WHOLE = 1 << 20;

/** Who hears of it: the sender, or for mail without one the mailbox of mdn_failures_notify. A notice never causes another. */
export function chooseAddressee(
  mail: Copy,
  options: Pick<OutboundValues, 'generate_bounces' | 'mdn_failures_notify'>,
): Address | undefined {
  if (mail.notice || !options.generate_bounces) return undefined;
  if (mail.notify !== 0 && (mail.notify & NOTIFY.failure) === 0) return undefined;
  if (mail.sender) return mail.sender;
  return options.mdn_failures_notify === undefined ? undefined : toAddress(options.mdn_failures_notify);
}

/** Who hears that a mail is late: its sender, unless NOTIFY asks for other things only (RFC 3461 4.1). Never for mail without one. */
export function chooseDelayAddressee(mail: Pick<Mail, 'notice' | 'notify' | 'sender'>): Address | undefined {
  if (mail.notice || (mail.notify !== 0 && (mail.notify & NOTIFY.delay) === 0)) return undefined;
  return mail.sender ?? undefined;
}

/** Who hears that a mail arrived: a sender who asked for it with NOTIFY=SUCCESS, or of a step on its way (`step`, RFC 2852 4.1.4) and not NEVER. */
export function chooseReceiptAddressee(mail: Pick<Mail, 'notice' | 'notify' | 'sender'>, step = false): Address | undefined {
  const isWanted = step ? (mail.notify & NOTIFY.never) === 0 : (mail.notify & NOTIFY.success) !== 0;
  return mail.notice || !isWanted ? undefined : (mail.sender ?? undefined);
}

/** What of a failed mail goes along: as RET asks (RFC 3461 4.3), else as `bounces_inline_original` says. */
export function chooseOriginal(mail: Copy, options: Pick<OutboundValues, 'bounces_inline_original'>): NoticeFacts['original'] {
  const wanted =
    // A body that had to be encrypted all the way does not come back in clear (RFC 8689 5).
    mail.reception.requireTls
      ? 'headers'
      : mail.reception.returnContent === 'full'
        ? 'all'
        : mail.reception.returnContent === 'headers'
          ? 'headers'
          : options.bounces_inline_original;
  if (wanted === 'none') return undefined;
  const headers = mail.headers.bytes();
  const whole = wanted === 'all' && mail.content.resident !== undefined && mail.size <= LARGEST_WHOLE;
  return { headers, body: whole ? mail.content.resident : undefined };
}
