/** Conversions, judged by uconv; and what no input can break. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { needs } from '../../test/needs.js';
import { fromUtf8, readAsMail, toUtf8 } from './convert.js';
import { findWay } from './labels.js';

const LATIN = 'Grüße, déjà vu: ¿qué? ñandú';
const CYRILLIC = 'Привет, мир! Съешь ещё этих мягких французских булок';
const GREEK = 'Καλημέρα κόσμε, τι κάνεις;';
const EAST_EUROPE = 'Příliš žluťoučký kůň, zażółć gęślą';
const JAPANESE = 'こんにちは世界、日本語のメール。カタカナ ABC 123';
const CHINESE = '你好，世界。这是中文邮件 ABC';
const TRADITIONAL = '你好，世界。這是繁體中文郵件 ABC';
const KOREAN = '안녕하세요, 세계! 한국어 메일';
const MIXED = `${LATIN} ${CYRILLIC} ${GREEK} ${JAPANESE} 𝒳😀`;

/** Character set as mail writes it, as uconv calls it, and a text it can hold. */
const CORPUS: readonly (readonly [string, string, string])[] = [
  ['utf-8', 'utf-8', MIXED],
  ['UTF-16LE', 'UTF-16LE', MIXED],
  ['utf-16be', 'UTF-16BE', MIXED],
  ['utf-32le', 'UTF-32LE', MIXED],
  ['unicode-1-1-utf-7', 'UTF-7', `${MIXED} A+B 日-本+x {~} \\`],
  ['us-ascii', 'us-ascii', 'plain text ~ {} [] 123'],
  ['ISO-8859-1', 'iso-8859-1', LATIN],
  ['iso8859-2', 'iso-8859-2', EAST_EUROPE],
  ['iso-8859-3', 'iso-8859-3', 'Ĝis la revido, ĉu ŝi ĵetas?'],
  ['iso-8859-4', 'iso-8859-4', 'Žemaitė, õhtu, ģimene'],
  ['iso-8859-5', 'iso-8859-5', CYRILLIC],
  ['iso-8859-6', 'iso-8859-6', 'مرحبا بالعالم'],
  ['iso-8859-7', 'iso-8859-7', GREEK],
  ['iso-8859-8-i', 'iso-8859-8', 'שלום עולם'],
  ['iso-8859-9', 'iso-8859-9', 'Günaydın, şimdi ığdır'],
  ['iso-8859-10', 'iso-8859-10', 'Ðað, ŧ ŋ ĸ ąčęėįųūž'],
  ['iso-8859-13', 'iso-8859-13', 'Žalgiris ąčęėįšųū „x”'],
  ['iso-8859-14', 'iso-8859-14', 'Ŵyth ŷ ḋ ẁ'],
  ['ISO-8859-15', 'iso-8859-15', `${LATIN} 5 €`],
  ['windows-1250', 'windows-1250', `${EAST_EUROPE} €`],
  ['cp1251', 'windows-1251', `${CYRILLIC} „€”`],
  ['windows-1252', 'windows-1252', `${LATIN} “€” — …`],
  ['x-cp1253', 'windows-1253', `${GREEK} €`],
  ['windows-1254', 'windows-1254', 'Günaydın şimdi €'],
  ['windows-1255', 'windows-1255', 'שלום €'],
  ['windows-1256', 'windows-1256', 'مرحبا بالعالم €'],
  ['windows-1257', 'windows-1257', 'Žalgiris ąčęėįšųū €'],
  ['koi8-r', 'koi8-r', CYRILLIC],
  ['KOI8-U', 'koi8-u', 'Їжак їсть ґанок є'],
  ['cp437', 'cp437', 'Grüße ½ ░▒▓'],
  ['ibm850', 'cp850', 'Grüße ½ ñ'],
  ['cp866', 'cp866', CYRILLIC],
  ['x-mac-roman', 'macintosh', 'Grüße “x” ñ'],
  ['shift_jis', 'shift_jis', JAPANESE],
  ['EUC-JP', 'euc-jp', JAPANESE],
  ['iso-2022-jp', 'iso-2022-jp', JAPANESE],
  ['GB2312', 'gb2312', CHINESE],
  ['gbk', 'gbk', CHINESE],
  ['gb18030', 'gb18030', `${CHINESE} 😀`],
  ['Big5', 'big5', TRADITIONAL],
  ['ks_c_5601-1987', 'windows-949', KOREAN],
  ['euc-kr', 'euc-kr', KOREAN],
  ['tis-620', 'tis-620', 'สวัสดีชาวโลก'],
];

const uconv = (from: string, to: string, input: Uint8Array): Buffer => {
  const { status, stdout, stderr } = spawnSync('uconv', ['-f', from, '-t', to], { input, timeout: 10_000 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
};

needs('icu-devtools')('with uconv as the judge', () => {
  it.each(CORPUS)('%s goes out and comes back as %s does', (charset, theirs, text) => {
    const octets = uconv('utf-8', theirs, Buffer.from(text));
    expect(fromUtf8(text, charset)?.toString('hex')).toBe(octets.toString('hex'));
    expect(toUtf8(octets, charset)).toBe(uconv(theirs, 'utf-8', octets).toString('utf8'));
    expect(toUtf8(octets, charset)).toBe(text);
  });
});

describe('conversion', () => {
  it.each(CORPUS.map(([charset]) => charset))('of any octets in %s gives well-formed text and never throws', (charset) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const text = toUtf8(bytes, charset);
        expect(text?.match(/\p{Cs}/u)).toBeNull();
      }),
      { numRuns: 50 },
    );
  });

  it.each(CORPUS.map(([charset]) => charset))('of any text to %s never throws', (charset) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        expect(fromUtf8(text, charset)).toBeInstanceOf(Buffer);
      }),
      { numRuns: 50 },
    );
  });

  it('UTF-7 holds any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(toUtf8(fromUtf8(text, 'utf-7') ?? Buffer.of(), 'utf-7')).toBe(text);
      }),
    );
  });

  it.each([
    ['utf-8', 'ff41', '\ufffdA'],
    ['us-ascii', 'e941', '\ufffdA'],
    ['windows-1253', 'd241', '\ufffdA'],
    ['shift_jis', '82', '\ufffd'],
    ['iso-2022-jp', '1b2442ff211b284241', '\ufffd\ufffdA'],
    ['utf-7', '80412b2128', '\ufffdA\ufffd!('],
    ['utf-7', '2b4141', '\ufffd'],
    ['utf-16le', '00d84100', '\ufffdA'],
  ])('%s %s is %j: what is no character becomes U+FFFD', (charset, hex, text) => {
    expect(toUtf8(Buffer.from(hex, 'hex'), charset)).toBe(text);
  });

  it.each([
    ['a mark in front, little-endian', 'fffe4100', 'A'],
    ['a mark in front, big-endian', 'feff0041', 'A'],
    ['no mark: big-endian', '00410042', 'AB'],
  ])('UTF-16 with %s', (_, hex, text) => {
    expect(toUtf8(Buffer.from(hex, 'hex'), 'utf-16')).toBe(text);
  });

  it('ISO 8859-1 is Latin 1 to the letter, and Windows-1252 where mail is read', () => {
    const octets = Buffer.from('80e9', 'hex');
    expect([toUtf8(octets, 'iso-8859-1'), readAsMail(octets, 'iso-8859-1')]).toEqual(['\u0080é', '€é']);
    expect(fromUtf8('€', 'iso-8859-1')?.toString()).toBe('?');
  });

  it('knows no character set that is none', () => {
    for (const label of ['', 'x-unknown', 'base64', 'hex', '__proto__', 'constructor', 'unknown-8bit', 'u'.repeat(500)]) {
      expect([label, findWay(label), toUtf8(Buffer.from('a'), label), fromUtf8('a', label)]).toEqual([
        label,
        undefined,
        undefined,
        undefined,
      ]);
    }
  });
});
