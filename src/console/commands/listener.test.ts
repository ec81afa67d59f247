import { expect, it } from 'vitest';
import { open } from '../fixture.js';

it('listener list shows what is open, and what the file says when that differs', async () => {
  const { text, data } = await open();
  expect(await text('listener list')).toMatch(/in\s+two\s+127\.0\.0\.1:587\s+off\s+on\s+0[\s\S]*until the next reload/);
  expect(await data('listener list')).toContainEqual(expect.objectContaining({ listen: 'one', state: 'on', sessions: 2 }));
});

it('listener on and off turn one socket or all of a listener, and only what there is', async () => {
  const { text, data, calls } = await open();
  expect(await text('listener off in two')).toBe(
    'Off: two. This lasts until the next reload or start: the configuration file is as it was.',
  );
  expect(await data('listener on in')).toEqual({ stanza: 'in', listens: ['one', 'two'], on: true });
  expect(calls).toEqual(['turn false in two', 'turn true in undefined']);
  for (const wrong of ['listener off', 'listener off out', 'listener on in three']) expect(await text(wrong), wrong).toMatch(/^NO: /);
  expect(calls).toHaveLength(2);
});
