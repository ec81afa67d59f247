/** Replies, sayings and the order in which rules answer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PHASES, parseReply, parseSaying, Script } from './rule.js';
import { parseScript } from './script.js';

describe('a reply', () => {
  it('is a code and words', () => {
    expect(parseReply('451 4.2.0 try later')).toEqual({ code: 451, text: '4.2.0 try later' });
  });
  it('gets words when it has none', () => {
    expect(parseReply('550').text).toMatch(/^5\.0\.0 /);
    expect(parseReply('451').text).toMatch(/^4\.3\.0 /);
  });
  it.each(['', 'no', '99 x', '354 go', '451x', '250 a\r\n550 b', '250 ü'])('%j is none', (text) => {
    expect(() => parseReply(text)).toThrow();
  });
  it('comes back from any printable words', () => {
    fc.assert(
      fc.property(fc.integer({ min: 400, max: 599 }), fc.stringMatching(/^[!-~][ -~]{0,60}$/), (code, words) => {
        const text = words.trim();
        expect(parseReply(`${code} ${text}`)).toEqual({ code, text });
      }),
    );
  });
});

describe('a saying', () => {
  it('is for the message without a phase', () => {
    expect(parseSaying('451')).toMatchObject({ phase: 'data', reply: { code: 451 } });
  });
  it.each(PHASES)('may name the phase %s and how often', (phase) => {
    expect(parseSaying(`${phase}*2=421 4.7.0 a=b`)).toEqual({ phase, times: 2, reply: { code: 421, text: '4.7.0 a=b' } });
  });
  it('names a wrong phase', () => {
    expect(() => parseSaying('quit=221 x')).toThrow(/"quit" is no phase/);
  });
});

describe('a script', () => {
  it('lets the first rule that applies answer, as often as it says', () => {
    const script = new Script([
      { phase: 'rcpt', match: /bad/, reply: { code: 550, text: 'no' } },
      { phase: 'rcpt', times: 1, reply: { code: 450, text: 'later' } },
    ]);
    expect(script.take('mail', ['bad@x'])).toBeUndefined();
    expect(script.take('rcpt', ['bad@x'])?.reply?.code).toBe(550);
    expect(script.take('rcpt', ['good@x'])?.reply?.code).toBe(450);
    expect(script.take('rcpt', ['good@x'])).toBeUndefined();
    expect(script.take('rcpt', ['bad@x'])?.reply?.code).toBe(550);
    script.clear();
    expect(script.take('rcpt', ['bad@x'])).toBeUndefined();
  });

  it('is read from YAML', () => {
    const rules = parseScript(`
- phase: rcpt
  match: '@bad\\.example$'
  reply: '550 5.1.1 nobody'
  times: 2
  delay: 0.5
  end: close
- { phase: connect, end: drop }
- reply: 451
`);
    expect(rules).toEqual([
      { phase: 'rcpt', match: /@bad\.example$/i, reply: { code: 550, text: '5.1.1 nobody' }, times: 2, delaySeconds: 0.5, end: 'close' },
      { phase: 'connect', end: 'drop' },
      { phase: 'data', reply: { code: 451, text: '4.3.0 scripted to fail for now' } },
    ]);
  });

  it('says every mistake with its line', () => {
    const text =
      "- { phase: quit, reply: '550 x' }\n- { phase: rcpt, repyl: '550 x' }\n- hello\n- { reply: '250 ok', times: 0 }\n- { match: '(' , reply: 451 }\n- {}\n";
    expect(() => parseScript(text, 's.yaml')).toThrow(
      /^s\.yaml:1: "quit".*\ns\.yaml:2: "repyl".*\ns\.yaml:3: a rule.*\ns\.yaml:4: "times".*\ns\.yaml:5: .*\ns\.yaml:6: .*nothing$/,
    );
    expect(() => parseScript('phase: rcpt')).toThrow(/a list of rules/);
    expect(() => parseScript('- [', 'x')).toThrow(/^x:\d+: /);
  });
});
