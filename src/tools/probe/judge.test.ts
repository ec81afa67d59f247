import { describe, expect, it } from 'vitest';
import type { Heard } from './case.js';
import { isUnsafe, judgeMessage, judgeOneLine, judgeRefusal, judgeWaiting, judgeWholeMessage, worstOf } from './judge.js';

const heard = (codes: readonly number[], more: Partial<Heard> = {}): Heard => ({
  replies: codes.map((code) => ({ code, text: `${code} words` })),
  isClosed: false,
  isStuck: false,
  handshake: 'none',
  tookMs: 1,
  ...more,
});
const subject = {
  sender: '',
  recipient: 'r@one.test',
  helo: '[127.0.0.1]',
  mark: 'mark',
  banner: '220 x',
  keywords: new Map(),
  isEncrypted: false,
};

describe('a message with a false end inside', () => {
  const judge = (codes: readonly number[], more?: Partial<Heard>): string => judgeMessage('taken')(heard(codes, more), subject).verdict;

  it('splits when anything follows its answer, be it yes or no', () => {
    expect(judge([250, 250, 500])).toBe('splits');
    expect(judge([250, 503])).toBe('splits');
    expect(judge([550, 250])).toBe('splits');
    expect(judge([250, 0])).toBe('splits');
  });

  it('is refused by one no, farewells apart', () => {
    expect(judge([550])).toBe('refuses');
    expect(judge([451, 421], { isClosed: true })).toBe('refuses');
    expect(judge([550, 221], { isClosed: true })).toBe('refuses');
  });

  it('is accepted by one yes, which is right where nothing was wrong with it', () => {
    expect(judge([250])).toBe('accepts');
    expect(judgeWholeMessage(heard([250]), subject).verdict).toBe('safe');
    expect(judgeWholeMessage(heard([250, 250]), subject).verdict).toBe('splits');
  });

  it('without an answer is safe when the connection ended, and unclear otherwise', () => {
    expect(judge([], { isClosed: true })).toBe('safe');
    expect(judge([])).toBe('unclear');
  });
});

describe('a line', () => {
  const judge = (codes: readonly number[]): string => judgeOneLine('taken')(heard(codes), subject).verdict;

  it('splits when it gets two answers, even two refusals', () => {
    expect(judge([500, 500])).toBe('splits');
    expect(judge([500, 421])).toBe('refuses');
    expect(judge([250])).toBe('accepts');
    expect(judge([0])).toBe('unclear');
  });
});

describe('a command that has to be refused', () => {
  it('is judged by its first answer', () => {
    expect(judgeRefusal('taken')(heard([501]), subject)).toEqual({ verdict: 'refuses', why: 'refused' });
    expect(judgeRefusal('taken')(heard([501], { isClosed: true }), subject).why).toBe('refused, and closed');
    expect(judgeRefusal('taken')(heard([250, 500]), subject)).toEqual({ verdict: 'accepts', why: 'taken' });
    expect(judgeRefusal('taken')(heard([354]), subject).verdict).toBe('accepts');
  });
});

describe('what came too early', () => {
  const judge = (codes: readonly number[]): string => judgeWaiting('done')(heard(codes), subject).verdict;

  it('is accepted when it got a yes of its own', () => {
    expect(judge([250, 250])).toBe('accepts');
    expect(judge([554, 250, 500])).toBe('accepts');
    expect(judge([503])).toBe('refuses');
    expect(judge([250])).toBe('safe');
    expect(judge([250, 503])).toBe('safe');
  });
});

describe('the worst of several ways', () => {
  it('counts', () => {
    const all = (['safe', 'refuses', 'splits', 'accepts', 'unclear'] as const).map((verdict) => ({ verdict, why: '' }));
    expect(worstOf(all).verdict).toBe('splits');
    expect(worstOf(all.filter(({ verdict }) => verdict !== 'splits')).verdict).toBe('accepts');
    expect(worstOf([]).verdict).toBe('unclear');
  });
});

it('a split is always unsafe, an acceptance where the case says so', () => {
  expect(isUnsafe({}, { verdict: 'splits', why: '' })).toBe(true);
  expect(isUnsafe({}, { verdict: 'accepts', why: '' })).toBe(false);
  expect(isUnsafe({ acceptance: 'weak' }, { verdict: 'accepts', why: '' })).toBe(false);
  expect(isUnsafe({ acceptance: 'unsafe' }, { verdict: 'accepts', why: '' })).toBe(true);
  expect(isUnsafe({ acceptance: 'unsafe' }, { verdict: 'unclear', why: '' })).toBe(false);
});
