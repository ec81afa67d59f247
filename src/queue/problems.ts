/** Errors of the queue room. */
import { declareProblems } from '../kernel/problems.js';

export const problems = declareProblems('queue', {
  READ_LATE: {
    text: 'message %s could not be read back in time',
    doc: 'The spool did not give a message back within a minute. It is asked for again; look at the disk.',
  },
  NOT_FOUND: {
    text: 'no message %s in the queue',
    doc: 'The id belongs to no message in the queue: it was delivered, failed or never was here.',
  },
  IN_FLIGHT: { text: 'message %s is being delivered now', doc: 'A connection has the message; try again when its attempt has ended.' },
  HELD: { text: 'message %s is set aside', doc: 'A policy set the message aside; release it before it can be tried.' },
  NOT_HELD: { text: 'message %s is not set aside', doc: 'Only a message that a policy set aside can be released.' },
  SENDER_HELD: {
    text: 'the sender of message %s is held',
    doc: 'An operator holds all mail of the sender, so the message would be set aside again; release the sender.',
  },
  SAME_PLACE: {
    text: 'nothing says where the messages shall go',
    doc: 'Moving mail needs a group, binding or domain that differs from where it is.',
  },
});
