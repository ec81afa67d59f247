/** What can go wrong with the spool, in words for operators. */
import { CodedError, codeOf, declareProblems } from '../kernel/problems.js';

export const problems = declareProblems('spool', {
  TOO_MUCH_CONTEXT: {
    text: 'the context of message %s has %s octets, more than %s',
    doc: 'Connection and message context together are bounded, since they are written with every message. Keep less in them, or list keys in exclude_vctx_conn and exclude_vctx_mess.',
  },
  TOO_MANY_COPIES: { text: 'one reception has %s copies, more than %s', doc: 'Lower max_recipients_per_message.' },
  NOT_COMMITTED: { text: 'a reception has %s copies where %s were committed', doc: 'The record is damaged; it goes to quarantine.' },
  DISK: {
    text: 'the spool cannot be written: %s',
    doc: 'The disk is full, read-only or failing. Nothing is accepted until a write succeeds again; that is tried every second.',
  },
  BEHIND: { text: 'the disk is behind by %s octets', doc: 'More mail arrives than the disk syncs. Clients are asked to come again.' },
  GONE: { text: 'there is no message with ticket %s', doc: 'The message ended meanwhile.' },
  DAMAGED: {
    text: 'message %s cannot be read back from %s',
    doc: 'The record on disk was damaged after it was written; its octets are in the quarantine folder.',
  },
  LOCKED: {
    text: 'another daemon uses the spool %s',
    doc: 'Stop the other daemon, all its workers included, or give this one a spoolbase of its own.',
  },
  NO_LOCKS: { text: 'the spool %s cannot be locked: the program flock is missing', doc: 'Install util-linux.' },
  WRONG_FORMAT: {
    text: '%s was written by a spool of format %s; this daemon reads format %s. Start the version that wrote it to empty the spool, or give this one a spoolbase of its own',
    doc: 'Use the version that wrote it to empty the spool, or an upgrade that knows both.',
  },
  WRONG_PART: {
    text: '%s belongs to part %s of a spool and lies in the folder of part %s. Put it back where it was taken from, or move it out of the spool',
    doc: 'A file of another part or another spool was copied here. Its mail would be known twice, or end twice.',
  },
  WRONG_NAME: {
    text: '%s says that its name is %s. Give it that name, or move it out of the spool',
    doc: 'A file of the spool was renamed; what the outcome logs say of it would be taken for another one.',
  },
  BAD_NUMBER: {
    text: '%s does not hold a number. Write one into it that is above every pid field of the ids in the logs',
    doc: 'The file counts starts, so that message ids never repeat; it was damaged or edited.',
  },
  WRONG_OWNER: {
    text: '%s belongs to user %s, the daemon runs as user %s. Say chown -R %s %s, or change security { user }',
    doc: 'Everything in the spool has to belong to the user the daemon runs as.',
  },
  FORBIDDEN: {
    text: '%s cannot be used: permission denied. It has to belong to the user the daemon runs as: chown -R it, or change security { user }',
    doc: 'Everything in the spool has to belong to the user the daemon runs as.',
  },
  UNUSABLE: {
    text: 'the spool folder %s cannot be used: %s',
    doc: 'It has to exist or be creatable, and belong to the user the daemon runs as.',
  },
  NO_MESSAGE: { text: 'there is no message %s in the spool', doc: 'It was delivered or failed, or the id is mistyped.' },
  NO_ENTRY: { text: 'there is no entry %s in quarantine', doc: '`celeris spool show` lists the entries.' },
  CLOSED: { text: 'the spool is closed', doc: 'The daemon is stopping.' },
});

/** A coded problem for whatever went wrong with a folder; coded problems stay what they are. */
export function explain(folder: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const code = codeOf(error);
  const where = (error as { path?: unknown } | null)?.path;
  if (code === 'EACCES' || code === 'EPERM') return problems.FORBIDDEN.because(error, typeof where === 'string' ? where : folder);
  return problems.UNUSABLE.because(error, folder, error instanceof Error ? error.message : String(error));
}

const TROUBLE: Readonly<Record<string, string>> = {
  ENOSPC: 'disk full',
  EDQUOT: 'disk quota used up',
  EROFS: 'disk is read-only',
  EIO: 'disk error',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
};

/** A failed disk call in a few words, its code behind them. */
export function wordsFor(error: unknown): string {
  const code = codeOf(error);
  const words = TROUBLE[code];
  return words === undefined ? code : `${words} (${code})`;
}
