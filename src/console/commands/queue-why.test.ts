import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { open } from '../fixture.js';

const CONFIG = `message_expiration = 3600
binding_group "tenants" {
  outbound_throttle_messages = "500/10"
  binding "acme" {
    domain "far.test" {
      retry_interval = 60
      max_outbound_connections = 2
    }
  }
}
domain "still.test" { suspend_delivery = true }
`;

describe('why', () => {
  it('tells all that keeps a message here, with file and line', async () => {
    const { text, data, rig } = await open({}, CONFIG);
    const place = rig.places.of('tenants', 'acme', 'far.test');
    const [mail] = rig.receive('far.test', 1, { place });
    const [taken] = await rig.queue.take(place, 1);
    if (!mail || !taken) throw new Error('one mail');
    rig.queue.defer(taken, '451 4.7.1 later');
    expect(await text(`why ${mail.id}`)).toMatch(
      /^until \S+Z: next attempt after 1 earlier ones, the last was told 451 4\.7\.1 later; retry_interval = 60, set at \S*:6 \(binding_group tenants > binding acme > domain far\.test\)\nuntil \S+Z: fails then if it is not delivered; message_expiration = 3600, set at \S*:1 \(global\)$/,
    );
    expect(await data(`why ${mail.id}`)).toMatchObject([
      { code: 'not_due', option: 'retry_interval', origin: { value: 60, line: 6 }, reply: '451 4.7.1 later' },
      { code: 'expires' },
    ]);
    // A domain whose mail is all put off waits for the first of it.
    expect(await text('why far.test acme')).toMatch(
      /^tenants\/acme\/far\.test: 0 due \(0 in flight\), 1 delayed, 0 connections, next due \S+Z\n {2}until \S+Z: next attempt after 1 earlier ones, the last was told 451 4\.7\.1 later; retry_interval = 60, set at \S*:6 /,
    );
    expect(await data('why far.test')).toMatchObject([
      { delayed: 1, nextId: mail.id, reasons: [{ code: 'not_due', reply: '451 4.7.1 later' }] },
    ]);
    rig.receive('far.test', 1, { place });
    expect(await text('why far.test')).toMatch(/ 1 due \(0 in flight\), 1 delayed, .*\n {2}nothing holds it$/);
    expect(await text('hold sender @example.org')).toMatch(/held/);
    expect(await text('hold all --domain far.test')).toMatch(/2/);
    expect(await text('why far.test')).toMatch(
      / 0 due \(0 in flight\), 0 delayed, 2 set aside, 0 connections\n {2}all of it is set aside, by a policy or an operator\nmail of these senders is set aside at its turn \(hold sender\): @example\.org$/,
    );
  });

  it('tells what is used of a limit', async () => {
    const { text, rig } = await open({}, CONFIG);
    rig.carrier.hindered = { code: 'connection_limit', text: 'all are in use', limit: 'connections/place/tenants/acme/far.test' };
    rig.usage = () => ({ used: 2, limit: 2 });
    const place = rig.places.of('tenants', 'acme', 'far.test');
    rig.receive('far.test', 3, { place });
    expect(await text('why far.test')).toMatch(
      /^tenants\/acme\/far\.test: 3 due \(0 in flight\), 0 delayed, 0 connections\n {2}all are in use \(2 of 2 in use\); max_outbound_connections = 2, set at \S*:7 /,
    );
    expect(await text('why far.test nobody')).toMatch(/^NO: There is no message far\.test/);
    expect(await text('why id2')).toMatch(/^all are in use [^\n]*\n2 messages of this place go first\nuntil /);
  });

  it('tells of a stop by configuration, and that nothing holds a place', async () => {
    const { text, data, rig } = await open({}, CONFIG);
    rig.receive('still.test', 1);
    rig.receive('free.test', 1);
    expect(await text('why still.test')).toMatch(
      /delivery is suspended by configuration; suspend_delivery = true, set at \S*:11 \(domain still\.test\)/,
    );
    expect(await text('why free.test')).toMatch(/nothing holds it$/);
    expect(await data('summary')).toMatchObject({
      waitsFor: [
        { code: 'suspended', messages: 1 },
        { code: 'next', messages: 1 },
      ],
    });
    expect(await text('why')).toBe('NO: Say which message or domain.');
  });
});

describe('shape', () => {
  it('prints every option with its origin, set ones first, and the ceiling', async () => {
    const { text, data, rig } = await open({}, CONFIG);
    const shape = await text('shape far.test acme');
    expect(shape).toMatch(/^ceiling: 50\.00 messages a second, by message throttle\npace: not measured yet\nconnections: at most 2\n/);
    expect(shape).toMatch(/\nmax_outbound_connections +2 +binding_group tenants > binding acme > domain far\.test +\S*:7\n/);
    expect(shape).toMatch(/\nbody_timeout +600 +default\n/);
    const place = rig.places.of('tenants', 'acme', 'far.test');
    rig.receive('far.test', 40, { place });
    for (let i = 0; i < 40; i++) {
      const taken = await rig.queue.take(place, 1);
      await rig.clock.advance(100);
      for (const mail of taken) rig.deliver(mail);
    }
    const { ceiling } = (await data('shape far.test acme')) as { ceiling: { because: string; messagesPerSecond: number } };
    expect(ceiling.because).toBe('connections');
    expect(ceiling.messagesPerSecond).toBeCloseTo(20, 0);
    expect(await text('shape far.test nobody')).toBe('NO: There is no binding nobody.');
    expect(await text('shape other.test')).toMatch(/^ceiling: not measured yet\n/);
  });
});

describe('timeline', () => {
  it('joins the logs, rotated ones too, with where the message is now', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-timeline-'));
    const main = path.join(folder, 'mainlog.ec');
    const { text, rig } = await open({ mainLogs: () => [main] });
    rig.receive('far.test', 1);
    fs.writeFileSync(`${main}.1`, '1800000000@id0@B@C@R@bob@far.test@alice@example.org@192.0.2.1@21@esmtp@default@default\n');
    fs.writeFileSync(
      main,
      '1800000060@id0@B@C@T@far.test@0@default@default@4@1@60.000@198.51.100.2@451 4.7.1 ask a@b.test\n1800000061@id01@B@C@D@far.test@0@default@default@1@1.0@\n',
    );
    expect(await text('timeline id0')).toBe(
      [
        '2027-01-15T08:00:00.000Z received for bob@far.test from <alice@example.org>, 21 octets',
        '2027-01-15T08:01:00.000Z deferred at far.test through default/default at 198.51.100.2: 451 4.7.1 ask a@b.test',
        'now: it is the next one',
        'now: until 2027-01-22T08:00:00.000Z: fails then if it is not delivered; message_expiration',
      ].join('\n'),
    );
    expect(await text('timeline id01')).toMatch(/delivered to far\.test[^\n]*\nnow: not in the queue$/);
    expect(await text('timeline nobody')).toBe('NO: Neither the queue nor the logs know nobody.');
    fs.rmSync(folder, { recursive: true });
  });
});
