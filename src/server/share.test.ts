import { describe, expect, it } from 'vitest';
import { shareOf } from './share.js';

describe('the share of a throttle', () => {
  it('is a part of the count in the same time, one at least, and nothing is limited that was not', () => {
    expect(shareOf({ count: 30, seconds: 600 }, 4)).toEqual({ count: 7, seconds: 600 });
    expect(shareOf({ count: 30, seconds: 600 }, 1)).toEqual({ count: 30, seconds: 600 });
    expect(shareOf({ count: 2, seconds: 1 }, 4)).toEqual({ count: 1, seconds: 1 });
    expect(shareOf('none', 4)).toBe('none');
    expect(shareOf(undefined, 4)).toBeUndefined();
  });
});
