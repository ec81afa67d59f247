import { describe, expect, it } from 'vitest';
import { Crowd } from './crowd.js';

describe('connections over all workers', () => {
  it('are counted by service, listener and client, and go with their worker', () => {
    const crowd = new Crowd();
    const [first, second] = [{}, {}];
    const ann = { stanza: 'a', ip: '192.0.2.1' };
    expect(crowd.enter(first, ann)).toEqual({ service: 1, listener: 1, client: 1 });
    expect(crowd.enter(second, ann)).toEqual({ service: 2, listener: 2, client: 2 });
    expect(crowd.enter(second, { stanza: 'b', ip: '192.0.2.2' })).toEqual({ service: 3, listener: 1, client: 1 });
    crowd.leave(second, ann);
    expect(crowd.enter(first, ann)).toEqual({ service: 3, listener: 2, client: 2 });
    crowd.forget(first);
    expect(crowd.enter(second, ann)).toEqual({ service: 2, listener: 1, client: 1 });
    expect(crowd.enter(first, { stanza: 'a', ip: '2001:db8::1' })).toEqual({ service: 3, listener: 2, client: 1 });
    expect(crowd.enter(first, { stanza: 'a', ip: '2001:db8::2' })).toEqual({ service: 4, listener: 3, client: 2 });
  });
});
