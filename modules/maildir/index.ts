/** maildir: mail for its domains is stored in Maildir folders while the client waits for its answer. */
import fs from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { type Context, defineModule, deliverNow, opt, Pool, type Reply, reject, reply } from '#module';
import { findMailbox } from './mailbox.js';
import { makeNames } from './names.js';
import { OverQuota, parseQuota } from './quota.js';
import { NoMailbox, storeMessage } from './store.js';

/** Files that are open for writing at once. */
const WIDTH = 32;
/** A disk that takes longer is no place for mail; the client tries again. */
const LIMIT_SECONDS = 120;

const BAD_NAME = reject('550 5.1.3 bad recipient address');
const UNKNOWN_USER = reply(550, '5.1.1', 'unknown user');
const FULL = reply(452, '4.2.2', 'mailbox full');
const BROKEN = reply(451, '4.3.0', 'mailbox cannot be written now');

const FULL_CODES: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

const options = {
  basedir: opt.path({ doc: 'Folder with the mailboxes, absolute.', required: true }),
  domain: opt.strings({ doc: 'Domains whose mail is stored here.', default: [] }),
  domains: opt.strings({ doc: 'The same as domain; both count.', default: [] }),
  all_domains: opt.bool({ doc: 'Store mail for every domain.', default: false }),
  domain_in_path: opt.bool({ doc: 'A folder for each domain: basedir/domain/user.', default: false }),
  create_users: opt.bool({ doc: 'Make the mailbox of a user that has none; else the user is unknown.', default: false }),
  createusers: opt.bool({ doc: 'The same as create_users; either is enough.', default: false }),
  dirmode: opt.octal({ doc: 'Permissions of folders that are made, whatever the umask.', default: 0o700 }),
  filemode: opt.octal({ doc: 'Permissions of messages, whatever the umask.', default: 0o600 }),
  user_separator: opt.blank({
    doc: 'What parts a user from a detail that is not part of the mailbox name; empty for nothing.',
    default: '+',
    origin: 'ours',
  }),
  lowercase_user: opt.bool({ doc: 'Names of mailboxes are in lower case.', default: true, origin: 'ours' }),
  layout: opt.choice(
    'maildir',
    'maildir++',
  )({
    doc: 'With maildir++ the detail of "user+detail" names a folder, where the user has it; else all goes to the inbox.',
    default: 'maildir',
    origin: 'ours',
  }),
  quota: opt.string({
    doc: 'What a mailbox may hold: octets, messages or both, as in "1000000000S,50000C" (file maildirsize of Maildir++).',
    origin: 'ours',
    check: (text) => (parseQuota(text) ? undefined : `"${text}" is no quota; write "1000000S", "500C" or "1000000S,500C".`),
  }),
  fsync: opt.bool({ doc: 'Answer 250 only when the message is on the disk.', default: true, origin: 'ours' }),
};

export default defineModule({
  name: 'maildir',
  summary: 'Store mail in Maildir folders at reception.',
  options,
  check(own) {
    if (!path.isAbsolute(own.basedir)) return [{ option: 'basedir', say: `"${own.basedir}" is not absolute` }];
    if (own.all_domains || own.domain.length + own.domains.length > 0) return [];
    return [{ option: 'domains', say: 'no mail is stored without domain, domains or all_domains', level: 'warning' }];
  },

  async register(ctx) {
    const { basedir } = ctx.options;
    try {
      await access(basedir, fs.constants.W_OK | fs.constants.X_OK);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { option: 'basedir', say: `mailboxes cannot be written there: ${why}` };
    }
    serve(ctx);
    return undefined;
  },
});

function serve(ctx: Context<typeof options>): void {
  const own = ctx.options;
  const domains = new Set([...own.domain, ...own.domains].map((name) => name.toLowerCase()));
  const naming = {
    basedir: own.basedir,
    domainInPath: own.domain_in_path,
    lowercase: own.lowercase_user,
    separator: own.user_separator,
  };
  const manner = {
    createUsers: own.create_users || own.createusers,
    dirMode: own.dirmode,
    fileMode: own.filemode,
    sync: own.fsync,
    folders: own.layout === 'maildir++',
    quota: own.quota === undefined ? undefined : parseQuota(own.quota),
    now: () => ctx.now(),
  };
  const nextName = makeNames(() => ctx.now());
  const pool = new Pool(WIDTH);
  ctx.on('spool', (draft) => {
    const { recipient } = draft;
    if (!own.all_domains && !domains.has(recipient.domain)) return undefined;
    const mailbox = findMailbox(recipient, naming);
    if (!mailbox) return BAD_NAME;
    return deliverNow(async (signal): Promise<Reply> => {
      try {
        const size = await pool.run(() => storeMessage(draft, mailbox, nextName(), manner, signal), signal);
        ctx.count('stored');
        return reply(250, '2.0.0', `OK ${draft.id} stored, ${size} octets`);
      } catch (error) {
        if (error instanceof NoMailbox) return UNKNOWN_USER;
        if (error instanceof OverQuota) return FULL;
        signal.throwIfAborted();
        const { code, message } = error as NodeJS.ErrnoException;
        ctx.log('error', `a message for ${recipient} could not be stored: ${message}`);
        return FULL_CODES.has(code) ? FULL : BROKEN;
      }
    }, LIMIT_SECONDS);
  });
}
