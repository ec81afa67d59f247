/** What can go wrong with the spool, in words for operators. */
import { declareProblems } from '../kernel/problems.js';

export const problems = declareProblems('spool', {
  TOO_MUCH_CONTEXT: {
    text: 'the context of message %s has %s octets, more than 65536',
    doc: 'Connection and message context together are bounded, since they are written with every message. Keep less in them, or list keys in exclude_vctx_conn and exclude_vctx_mess.',
  },
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
  LOCKED: { text: 'another daemon uses the spool %s', doc: 'Stop the other daemon, or give this one a spoolbase of its own.' },
  NO_LOCKS: { text: 'the spool %s cannot be locked: the program flock is missing', doc: 'Install util-linux.' },
  WRONG_FORMAT: {
    text: '%s was written by a spool of format %s; this daemon reads format %s',
    doc: 'Use the version that wrote it to empty the spool, or an upgrade that knows both.',
  },
  UNUSABLE: {
    text: 'the spool folder %s cannot be used: %s',
    doc: 'It has to exist or be creatable, and belong to the user the daemon runs as.',
  },
  NO_MESSAGE: { text: 'there is no message %s in the spool', doc: 'It was delivered or failed, or the id is mistyped.' },
  NO_ENTRY: { text: 'there is no entry %s in quarantine', doc: '`celeris spool show` lists the entries.' },
  CLOSED: { text: 'the spool is closed', doc: 'The daemon is stopping.' },
});
