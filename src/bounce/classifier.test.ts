/** The classes of replies: the examples of the rules, the judging list, what is unknown, and how long it takes. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Classifier, findCode } from './classifier.js';
import { CLASS } from './classify.js';
import { parsePack } from './pack.js';
import { loadShippedPack } from './shipped.js';
import { maskReply } from './unknown.js';

const classifier = new Classifier(loadShippedPack());

/** Labels, replies and addresses of a judging list. */
const readList = (name: string): [string, string, string][] =>
  fs
    .readFileSync(path.join(import.meta.dirname, '../../test/bounce-replies', name), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t') as [string, string, string]);

const judged = readList('replies.tsv');
const second = readList('held-out.tsv');
const independent = readList('independent.tsv');
const wrongOf = (list: readonly [string, string, string][]): string[] =>
  list.filter(([label, reply]) => classifier.explain(reply).class !== Number(label)).map(([label, reply]) => `${label} ${reply}`);

describe('the rules that come with Celeris', () => {
  it.each(loadShippedPack().rules.map(({ example, class: expected, phrases }) => [example, expected, phrases] as const))(
    '%j is %i',
    (example, expected, phrases) => {
      const found = classifier.explain(example);
      expect(found.class).toBe(expected);
      expect(phrases, 'by a phrase of its own rule').toContain(found.rule);
    },
  );

  it('name every class of the table but those that no words make', () => {
    const made = new Set(loadShippedPack().rules.map((rule) => rule.class));
    expect(Object.values(CLASS).filter((n) => !made.has(n))).toEqual([CLASS.undetermined, CLASS.noRecipient]);
  });

  it('agree with at least 98 of 100 replies of a list that was labelled before them', () => {
    expect(judged.length).toBeGreaterThanOrEqual(300);
    const wrong = wrongOf(judged);
    expect(wrong.length / judged.length, wrong.join('\n')).toBeLessThan(0.02);
  });

  it('agree with at least 95 of 100 replies of a second list, of odd ones', () => {
    const wrong = wrongOf(second);
    expect(wrong.length / second.length, wrong.join('\n')).toBeLessThan(0.05);
  });

  it('agree with at least 77 of 100 replies of a list that somebody collected who had not seen them, and that nothing was tuned on', () => {
    const wrong = wrongOf(independent);
    expect(independent.length).toBeGreaterThanOrEqual(300);
    expect(wrong.length / independent.length).toBeLessThan(0.23);
  });

  it('every reply of the list has an address where it was read, and stands there once', () => {
    for (const [label, reply, url] of [...judged, ...second]) {
      expect(Number(label)).toBeGreaterThan(0);
      expect(url, reply).toMatch(/^https?:\/\//);
    }
    expect(new Set([...judged, ...second].map(([, reply]) => reply)).size).toBe(judged.length + second.length);
  });
});

describe('classes', () => {
  it.each([
    ['250 2.0.0 OK', 0],
    ['550 5.7.1 <a@b>: Relay access denied', CLASS.relayDenied],
    ['550 5.1.1 relay user unknown', CLASS.invalidRecipient],
    ['554 5.4.7 [internal] exceeded max time without delivery', CLASS.timeout],
    ['551 5.4.6 [internal] Private/Loopback Address', CLASS.dnsFailure],
    ['450 4.7.99 who knows', CLASS.transient],
    ['550 5.2.2 whatever this means', CLASS.mailboxFull],
    ['550 hmm', CLASS.undetermined],
    ['550 please unsubscribe elsewhere', CLASS.undetermined],
    ['host mx.example said: 550 5.2.2 hmm', CLASS.mailboxFull],
    ['', CLASS.undetermined],
  ])('%j is %i', (reply, expected) => {
    expect(classifier.classify(reply)).toBe(expected);
  });

  it.each([
    ['550 no', 550],
    ['host x[192.0.2.1] said: 452 4.2.2 full', 452],
    ['room 1550 is full', 0],
    ['', 0],
  ])('the code of %j is %i', (text, code) => {
    expect(findCode(text)).toBe(code);
  });

  it('may get names of their own, those of the table stay', () => {
    const own = new Classifier(loadShippedPack());
    const takeBack = own.nameClass(77, 'paused account');
    own.nameClass(10, 'nonsense');
    expect([own.nameOf(77), own.nameOf(10)]).toEqual(['paused account', 'Invalid Recipient']);
    const again = own.nameClass(77, 'paused');
    takeBack();
    expect(own.nameOf(77)).toBe('paused');
    again();
    expect(own.nameOf(77)).toBeUndefined();
  });

  it('follow the pack that was adopted last; taken back in any order, the one before it counts again', () => {
    const own = new Classifier(parsePack('version: 1\nrules: []'));
    const pack = (version: number, bounceClass: number) =>
      parsePack(`version: ${version}\nrules:\n  - class: ${bounceClass}\n    any: ['strange']\n    example: '550 strange'`);
    const second = own.adopt(pack(2, 50));
    const third = own.adopt(pack(3, 52));
    expect(own.explain('550 strange').class).toBe(52);
    second();
    expect([own.explain('550 strange').class, own.pack.version]).toEqual([52, 3]);
    third();
    third();
    expect([own.explain('550 strange').class, own.pack.version]).toEqual([1, 1]);
  });
});

describe('unknown replies', () => {
  it('are counted under what is left when names and numbers are masked', () => {
    const own = new Classifier(parsePack('version: 1\nrules: []'));
    own.classify('550 sorry bob@example.net, 192.0.2.1 is odd (session 8f3a77bc12)');
    own.classify('550 sorry eve@example.org, 192.0.2.77 is odd (session 11aa22bb33)');
    own.classify('550 else');
    expect(own.unknowns.total).toBe(3);
    expect(own.unknowns.list().map(({ masked, count }) => [masked, count])).toEqual([
      ['550 sorry ADDRESS, IP is odd (session ID)', 2],
      ['550 else', 1],
    ]);
    expect(own.unknowns.clear()).toBe(2);
  });

  it('masking is bounded', () => {
    const began = performance.now();
    for (const bait of ['a@'.repeat(500_000), '1.'.repeat(500_000), 'a1'.repeat(500_000), ':'.repeat(1_000_000)]) maskReply(bait);
    expect(performance.now() - began).toBeLessThan(200);
  });
});

describe('time', () => {
  it('1 MB of anything is read in no time: nothing backtracks, only the first 8,192 characters count', () => {
    const baits = ['a', '550 ', 'user ', '[internal] ', '5.1.1 ', 'quota exceede', ' | ', '\n', 'messages from '];
    for (const bait of baits) {
      const text = bait.repeat(Math.ceil(1_048_576 / bait.length));
      const began = performance.now();
      classifier.explain(text);
      expect(performance.now() - began, bait).toBeLessThan(50);
    }
  });

  it('a usual reply takes microseconds', () => {
    const replies = judged.map(([, reply]) => reply);
    for (let i = 0; i < 20; i++) for (const reply of replies) classifier.explain(reply);
    const began = performance.now();
    for (let i = 0; i < 50; i++) for (const reply of replies) classifier.explain(reply);
    const microseconds = ((performance.now() - began) * 1000) / (50 * replies.length);
    expect(microseconds).toBeLessThan(20);
  });
});
