/** What a server tells strangers about its users and about itself. */
import { inOnePacket, type Judge, type ProbeCase } from '../case.js';
import { judgeSilence } from '../judge.js';

const VERSION = /\d+\.\d+(?:\.\d+)?/;

/** A number with dots that is neither an enhanced status code nor an address. */
export function findVersion(text: string): string | undefined {
  const plain = text.replace(/^\d{3}[ -](?:\d\.\d{1,3}\.\d{1,3} )?/gm, '').replace(/\[?(?:\d{1,3}\.){3}\d{1,3}\]?/g, '');
  return VERSION.exec(plain)?.[0];
}

const judgeLookup: Judge = (heard) => {
  const [first] = heard.replies;
  if (!first) return judgeSilence(heard);
  return first.code === 250 || first.code === 251 || first.code === 550
    ? { verdict: 'accepts', why: 'tells strangers who exists' }
    : { verdict: 'refuses', why: first.code === 252 ? 'says neither yes nor no' : 'refused' };
};

export const disclosure: readonly ProbeCase[] = [
  {
    id: 'vrfy',
    group: 'disclosure',
    input: 'VRFY celeris-probe-nobody',
    reference: 'RFC 5321 7.3',
    stage: 'ehlo',
    ways: inOnePacket('VRFY celeris-probe-nobody\r\n'),
    judge: judgeLookup,
  },
  {
    id: 'expn',
    group: 'disclosure',
    input: 'EXPN postmaster',
    reference: 'RFC 5321 7.3',
    stage: 'ehlo',
    ways: inOnePacket('EXPN postmaster\r\n'),
    judge: judgeLookup,
  },
  {
    id: 'version',
    group: 'disclosure',
    input: 'the banner, and HELP',
    reference: 'RFC 5321 7.5',
    stage: 'ehlo',
    ways: inOnePacket('HELP\r\n'),
    judge: (heard, { banner }) => {
      const version = findVersion(`${banner}\n${heard.replies.map(({ text }) => text).join('\n')}`);
      return version === undefined
        ? { verdict: 'safe', why: 'no version is told' }
        : { verdict: 'accepts', why: `tells its version, ${version}` };
    },
  },
];
