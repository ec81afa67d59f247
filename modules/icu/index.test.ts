/** Encoded words, values of header fields, names of hosts, and the mark on messages whose character set nobody knows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address, bodyOf, Copy, defineModule } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { planOf, rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import { type Charsets, Icu } from './api.js';
import { decodeWords } from './encoded-words.js';
import icu from './index.js';
import { findUnknown } from './unknown.js';

describe('encoded words', () => {
  it.each([
    ['=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?=', '日本語'],
    ['=?utf-8?q?caf=C3=A9_au_lait?= x', 'café au lait x'],
    ['a =?iso-8859-1?Q?=E9?= =?iso-8859-1?Q?=E8?= b', 'a éè b'],
    ['=?utf-8?B?ww==?=\r\n =?utf-8?B?qQ==?=', 'é'],
    ['=?utf-8?Q?=C3?=\r\n =?UTF-8?Q?=A9?=', 'é'],
    ['=?utf-8?Q?a?= =?iso-8859-1?Q?=E9?=', 'aé'],
    ['=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=', 'Grüße'],
    ['=?iso-8859-1?Q?=80?=', '€'],
    ['no words =? at all ?= here', 'no words =? at all ?= here'],
    ['=?utf-8?Q?a=ZZ=4?=', 'a=ZZ=4'],
    ['=?utf-8?x?abc?=', '=?utf-8?x?abc?='],
  ])('%j is %j', (value, text) => {
    expect(decodeWords(value)).toEqual({ text, unknown: undefined });
  });

  it('of a character set nobody knows stay as they are, and are named', () => {
    const value = 'x =?x-odd?B?YWJj?= =?X-Odd?B?YWJj?= =?utf-8?Q?b?=';
    expect(decodeWords(value)).toEqual({ text: 'x =?x-odd?B?YWJj?= =?X-Odd?B?YWJj?=b', unknown: 'x-odd' });
  });

  it('never throw and take linear time', () => {
    fc.assert(fc.property(fc.string(), (text) => void decodeWords(`=?utf-8?Q?${text}?= =?${text}?B?${text}?=`)));
    const started = performance.now();
    for (const part of ['=?', '=?a?', '=?a?b?', '=?utf-8?Q?', '=?a?b??= ']) decodeWords(part.repeat(200_000));
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

const headers = (text: string): Headers => new Headers(Buffer.from(`${text}\r\n\r\n`, 'latin1'));

describe('what nobody knows', () => {
  it.each([
    ['Subject: =?utf-8?Q?a?= =?X-Odd?Q?b?=', 'x-odd'],
    ['Content-Type: text/plain; charset=klingon', 'klingon'],
    ['Content-Type: text/plain;\r\n charset="iso\xe99"', 'iso?9'],
    ['Content-Type: text/plain; charset="Windows-1252"', undefined],
    ['Content-Type: text/plain; charset=""', undefined],
    ['Subject: plain', undefined],
  ])('%j: %s', (block, unknown) => {
    expect(findUnknown(headers(block))).toBe(unknown);
  });
});

async function start(config: string) {
  let lent: Charsets | undefined;
  const user = defineModule({
    name: 'user',
    summary: 'Uses it.',
    needs: ['icu'],
    options: {},
    register: (ctx) => void (lent = ctx.use(Icu)),
  });
  const configured = await configureText(`${config}\n`, { manifests: [icu] });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const rehearsal = rehearse();
  const written = makePlans(configured.snapshot, [icu]);
  await rehearsal.registry
    .prepare([...(written.length > 0 ? written : [planOf(icu)]), planOf(user)])
    .then((generation) => rehearsal.registry.commit(generation));
  if (!lent) throw new Error('icu lends nothing');
  return { charsets: lent, chains: rehearsal.registry.current.hooks.chains };
}

const draftWith = (block: string): Copy => {
  const reception = {
    batchId: 'b',
    connectionId: 'c',
    protocol: 'esmtp' as const,
    receivedAt: 0,
    sender: null,
    facts: new Facts(),
    smtpUtf8: false,
  };
  return new Copy('m', reception, [new Address('r', 'd.test')], headers(block), bodyOf([]), new Facts());
};

describe.each(['icu { }', ''])('icu, configured by "%s"', (config) => {
  it('reads values of headers: UTF-8, else the set that is assumed', async () => {
    const { charsets } = await start(config);
    const read = (hex: string, assumed: string) => charsets.decodeValue(Buffer.from(hex, 'hex'), assumed);
    expect(read('c3a9', 'us-ascii')).toEqual({ text: 'é', unknown: undefined });
    expect(read('e9', 'iso-8859-1')).toEqual({ text: 'é', unknown: undefined });
    expect(read('e9', 'us-ascii')).toEqual({ text: '\ufffd', unknown: undefined });
    expect(read('e9', 'x-odd')).toEqual({ text: '\ufffd', unknown: 'x-odd' });
    expect(charsets.decodeValue(Buffer.from('=?utf-8?Q?=C3=A9?= \xe9', 'latin1'), 'iso-8859-2').text).toBe('é é');
  });

  it('turns names of hosts into ASCII and back', async () => {
    const { charsets } = await start(config);
    expect(charsets.toAscii('Bücher.example')).toBe('xn--bcher-kva.example');
    expect(charsets.toAscii('a b')).toBeUndefined();
    expect(charsets.toUnicode('xn--bcher-kva.example')).toBe('bücher.example');
    expect(charsets.toUnicode('xn--a')).toBe('xn--a');
  });

  it('marks a message that names what nobody knows, and changes nothing of it', async () => {
    const { chains } = await start(config);
    const odd = draftWith('Subject: =?x-odd?Q?a?=');
    const before = odd.headers.bytes();
    expect(await chains.spool_message.run(odd)).toBeUndefined();
    expect(odd.facts.get('icu_error')).toBe('unknown charset x-odd');
    expect(odd.headers.bytes()).toBe(before);
    const fine = draftWith('Subject: =?utf-8?Q?a?=');
    await chains.spool_message.run(fine);
    expect(fine.facts.has('icu_error')).toBe(false);
  });
});

it('icu takes no options of its own', async () => {
  const configured = await configureText('icu { charset = "utf-8" }\n', { manifests: [icu] });
  expect(configured.ok).toBe(false);
});
