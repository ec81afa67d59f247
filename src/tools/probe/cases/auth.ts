/** Logins: not before TLS, and not by what is no base64. */
import { inOnePacket, type ProbeCase } from '../case.js';
import { judgeRefusal, judgeSilence } from '../judge.js';

const NOBODY = Buffer.from('\0celeris-probe-nobody\0no password').toString('base64');

export const auth: readonly ProbeCase[] = [
  {
    id: 'auth-in-clear',
    group: 'auth',
    input: 'AUTH PLAIN of nobody, without TLS',
    reference: 'RFC 4954 4, RFC 8314 3',
    stage: 'ehlo',
    ways: inOnePacket(`AUTH PLAIN ${NOBODY}\r\n`),
    judge: (heard, { isEncrypted }) => {
      const [first] = heard.replies;
      if (isEncrypted) return { verdict: 'safe', why: 'the dialogue is encrypted' };
      if (!first) return judgeSilence(heard);
      if (first.code === 535) return { verdict: 'accepts', why: 'a password sent in the clear is judged' };
      return first.code < 400
        ? { verdict: 'accepts', why: 'a password sent in the clear is taken' }
        : { verdict: 'refuses', why: 'refused' };
    },
  },
  {
    id: 'auth-no-base64',
    group: 'auth',
    input: 'AUTH PLAIN !!!!',
    reference: 'RFC 4954 4',
    stage: 'ehlo',
    acceptance: 'unsafe',
    ways: inOnePacket('AUTH PLAIN !!!!\r\n'),
    judge: judgeRefusal('what is no base64 is taken'),
  },
];
