/** Those who are no mail client of the street: other protocols, proxies nobody named, clients that do not wait. */
import { inOnePacket, type ProbeCase } from '../case.js';
import { judgeRefusal, judgeSilence } from '../judge.js';

/** The beginning of a TLS 1.2 ClientHello record. */
const CLIENT_HELLO = Buffer.from('16030100c8010000c40303', 'hex').toString('latin1');
/** An address kept for documentation (RFC 5737), which nobody connects from. */
const FALSE_ADDRESS = '192.0.2.1';

export const strangers: readonly ProbeCase[] = [
  {
    id: 'http',
    group: 'strangers',
    input: 'an HTTP POST whose body is EHLO and NOOP',
    reference: 'RFC 5321 7.8; cross-protocol requests',
    stage: 'banner',
    ways: ({ helo, mark }) => [[{ send: `POST /${mark} HTTP/1.1\r\nHost: probe.invalid\r\n\r\nEHLO ${helo}\r\nNOOP\r\n` }]],
    judge: (heard, { mark }) => {
      if (heard.replies.length === 0) return judgeSilence(heard);
      if (heard.replies.some(({ code }) => code >= 200 && code < 300 && code !== 221))
        return { verdict: 'accepts', why: 'the body of a web request is done as commands' };
      if (heard.replies.some(({ text }) => text.includes(mark)))
        return { verdict: 'accepts', why: 'refused, but sent back to the browser' };
      return { verdict: 'refuses', why: heard.isClosed ? 'refused, and closed' : 'refused line by line' };
    },
  },
  {
    id: 'tls-hello',
    group: 'strangers',
    input: 'a TLS ClientHello without STARTTLS',
    reference: 'RFC 3207 4',
    stage: 'banner',
    patienceMs: 2000,
    ways: inOnePacket(CLIENT_HELLO),
    judge: (heard) => {
      if (heard.replies.length === 0) return judgeSilence(heard);
      return heard.replies.some(({ code }) => code < 400 && code !== 221)
        ? { verdict: 'accepts', why: 'answered as if it were a command' }
        : { verdict: 'refuses', why: heard.isClosed ? 'refused, and closed' : 'refused' };
    },
  },
  {
    id: 'early-talker',
    group: 'strangers',
    input: 'EHLO before the banner',
    reference: 'RFC 5321 3.1, 4.3.1',
    stage: 'connect',
    ways: ({ helo }) => [[{ send: `EHLO ${helo}\r\n` }]],
    judge: (heard) => {
      const [first, second] = heard.replies;
      if (!first) return judgeSilence(heard);
      if (first.code >= 400 || (second !== undefined && second.code >= 400)) return { verdict: 'refuses', why: 'refused' };
      return second === undefined
        ? { verdict: 'safe', why: 'what came before the banner was not answered' }
        : { verdict: 'accepts', why: 'nobody has to wait for the banner' };
    },
  },
  {
    id: 'proxy-header',
    group: 'strangers',
    input: `PROXY TCP4 ${FALSE_ADDRESS} ... before the banner`,
    reference: 'PROXY protocol 2; a false source address',
    stage: 'connect',
    acceptance: 'unsafe',
    ways: ({ helo }) => [
      [{ send: `PROXY TCP4 ${FALSE_ADDRESS} 192.0.2.2 4321 25\r\n` }, { hear: 1 }, { settle: true }, { send: `EHLO ${helo}\r\n` }],
    ],
    judge: (heard) => {
      const [first, ...others] = heard.replies;
      if (!first) return judgeSilence(heard);
      if (heard.replies.some(({ code, text }) => code < 400 && text.includes(FALSE_ADDRESS)))
        return { verdict: 'accepts', why: 'the false address is believed' };
      if (first.code >= 400 || others.some(({ code }) => code >= 400 || code === 0))
        return { verdict: 'refuses', why: heard.isClosed ? 'refused, and closed' : 'refused' };
      return others.length > 0
        ? { verdict: 'accepts', why: 'the header is swallowed, so it may be believed' }
        : { verdict: 'safe', why: 'nothing behind it was answered' };
    },
  },
  ...(['XCLIENT', 'XFORWARD'] as const).map(
    (verb): ProbeCase => ({
      id: verb.toLowerCase(),
      group: 'strangers',
      input: `${verb} ADDR=${FALSE_ADDRESS}`,
      reference: `${verb}; a false source address`,
      stage: 'ehlo',
      acceptance: 'unsafe',
      ways: inOnePacket(`${verb} ADDR=${FALSE_ADDRESS}\r\n`),
      judge: judgeRefusal('this client may say that it is somebody else'),
    }),
  ),
];
