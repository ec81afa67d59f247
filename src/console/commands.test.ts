/** Every command at a desk with a real queue, real modules and a real configuration. */
import { describe, expect, it } from 'vitest';
import { makeSession } from '../module/fixture.js';
import { open } from './fixture.js';

describe('the list of commands', () => {
  it('is sorted, has no name twice, and a sentence each', async () => {
    const { data } = await open();
    const rows = (await data('help')) as { command: string; doc: string }[];
    const names = rows.map(({ command }) => command);
    expect(names).toEqual([...names].sort());
    expect(new Set(names).size).toBe(names.length);
    for (const { doc } of rows) expect(doc).toMatch(/\.$/);
    for (const wanted of [
      ...['help', 'version', 'pid', 'shutdown', 'summary', 'mailq', 'domain', 'showqueue', 'message details', 'message retry'],
      ...['message fail', 'flush domain', 'fail domain', 'module list', 'module hooks', 'config show', 'config get', 'config eval'],
      ...['config locate', 'config reload', 'paniclog', 'reopen logs', 'dig', 'pinger:p ping'],
    ])
      expect(names).toContain(wanted);
  });

  it('explains one, or those that begin so', async () => {
    const { text } = await open();
    expect(await text('help flush domain')).toBe(
      'flush domain DOMAIN|all\n  Try all mail of a domain now; retry counts stay.\n  Changes something.',
    );
    expect(await text('help mess')).toMatch(/^message details MID\n[\s\S]*\nmessage fail/);
    expect(await text('help nonsense')).toBe('NO: There is no command "nonsense".');
    expect(await text('help')).toMatch(
      /^command +what it does\n[\s\S]*\nbounce class "REPLY" +The class[\s\S]*\ncache flush NAME +Empty a cache\./,
    );
  });
});

describe('the daemon', () => {
  it('tells what it is', async () => {
    const { text, data } = await open();
    expect(await text('version')).toMatch(/^# Celeris 1\.2\.3\n# node v[\d.]+ on .*\n# .+\n# up 60 s$/);
    expect(await data('pid')).toEqual({ pid: process.pid });
    expect(await text('paniclog')).toBe('1970-01-01T00:00:00.000Z error m: broken');
    expect(await text('memory')).toMatch(/^rss: +\d+\n/);
    expect(await text('counter list')).toBe('counter       value\npinger_pings      3');
  });

  it('sums up', async () => {
    const { text, data, rig, calls } = await open();
    rig.receive('far.test', 3);
    expect(await data('summary')).toMatchObject({
      activeQueueSize: 3,
      totalQueueSize: 3,
      activeDomains: 1,
      received: 10,
      successfullyDelivered: 7,
      deliveryRate: 0.7,
      receptionRate: 1,
      inboundConcurrency: 2,
      outboundConcurrency: 4,
      uptimeSeconds: 60,
      loadingPercent: 100,
    });
    expect(await text('summary')).toContain('\nActive Queue Size:\t3\n');
    expect(await text('summary reset')).toBe('statistics cleared.');
    expect(calls).toEqual(['reset']);
  });

  it('sums up what is wrong, too', async () => {
    const { text, rig } = await open({ loading: () => 40 });
    rig.spool.refusing = 'disk full';
    expect(await text('summary')).toMatch(/Spool refuses:\tdisk full\nLoading:\t40 %/);
    expect(await text('mailq')).toMatch(/^loading 40 %\n/);
  });

  it('stops, and says what it waits for', async () => {
    const { text, calls } = await open();
    expect(await text('shutdown')).toBe('Stopping; waiting for 1 session.');
    await expect.poll(() => calls).toEqual(['stop']);
    expect(await (await open({ waits: () => [] })).text('shutdown')).toBe('Stopping.');
  });

  it('reopens logs and empties caches', async () => {
    const { text, calls } = await open();
    expect(await text('reopen logs')).toBe('Logs reopened.');
    expect(calls).toEqual(['reopen']);
    expect(await text('cache list')).toBe('name            entries\npinger:p/names        1');
    expect(await text('cache flush pinger:p/names')).toBe("flushed 1 entries from cache 'pinger:p/names'");
    expect(await text('cache flush other')).toBe('NO: There is no cache "other".');
  });
});

describe('the queue', () => {
  it('shows places, domains and messages', async () => {
    const { text, data, rig } = await open();
    rig.receive('far.test', 3);
    rig.receive('near.test', 1);
    expect(await text('mailq')).toBe(
      'Group/Binding    Domain     AQ  DQ  Held  Conn  Stopped\ndefault/default  far.test    3   0     0     0\ndefault/default  near.test   1   0     0     0',
    );
    expect(await data('mailq -d NEAR.test -l 5')).toMatchObject([{ domain: 'near.test', active: 1 }]);
    expect(await data('mailq -b nobody')).toEqual([]);
    expect(await text('domains')).toMatch(/^Domain: far\.test {2}C: 0 {2}A: 3 {2}D: 0 {2}S: 3\nDomain: near\.test/);
    expect(await data('domains 1')).toHaveLength(1);
    expect(await text('showqueue far.test 2,1')).toMatch(
      /^\[active\/default\] id1 Created: \d+\n {2}From: <sender@example\.org> To: <r1@far\.test>\n\[active/,
    );
    expect(await text('showqueue none.test')).toBe('(none)');
    expect(await text('message details id0')).toMatch(
      /^Message: +id0\nState: +active\nPlace: +default\/default\/far\.test\n[\s\S]*Why: +\S/,
    );
    expect(await text('why id0')).toMatch(/\S/);
  });

  it.each([
    ['mailq -d', 'NO: -d needs a value.'],
    ['mailq -x 1', 'NO: "-x" is none of -d, -b, -l.'],
    ['mailq -l 0', 'NO: The limit is a number above 0.'],
    ['domains many', 'NO: "many" is no number.'],
    ['showqueue', 'NO: Say which domain, or "all".'],
    ['showqueue far.test 1,x', 'NO: "x" is no number.'],
    ['domain', 'NO: Say which domain.'],
    ['message details nobody', 'NO: There is no message nobody.'],
    ['message retry nobody', 'NO: no message nobody in the queue'],
    ['message fail nobody', 'NO: no message nobody in the queue'],
    ['message release id0', 'NO: message id0 is not set aside'],
    ['why nobody', 'NO: There is no message nobody, and no mail of a domain of that name.'],
    ['flush domain', 'NO: Say which domain, or "all".'],
    ['fail domain', 'NO: Say which domain, or "all".'],
    ['delay domain far.test', 'NO: Say for how many seconds.'],
    ['delay domain far.test -1', 'NO: Say for how many seconds.'],
    ['suspend domain far.test soon', 'NO: "soon" is no number.'],
    ['resume domain far.test', 'NO: far.test was not suspended.'],
  ])('answers %j with words', async (command, expected) => {
    const { text, rig, failures } = await open();
    rig.receive('far.test', 1);
    expect(await text(command)).toBe(expected);
    expect(failures).toEqual([]);
  });

  it('tries, puts off, suspends and resumes', async () => {
    const { text, rig } = await open();
    rig.receive('far.test', 2);
    expect(await text('delay domain far.test 600')).toBe('Delayed 2 messages.');
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(0);
    expect(await text('message retry id0')).toBe('Message requeued for delivery');
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(1);
    expect(await text('flush domain all')).toBe('all flushed.  1 messages requeued.');
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(2);
    expect(await text('suspend domain far.test')).toBe('far.test suspended.');
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(0);
    expect(await text('resume domain far.test')).toBe('far.test resumed.');
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(2);
  });

  it('ends messages, with the note of the operator', async () => {
    const { text, rig } = await open();
    rig.receive('far.test', 2);
    rig.receive('near.test', 2);
    expect(await text('message fail id0')).toBe('Message failed.');
    expect(await text('message fail quiet id1 "not wanted"')).toBe('Message failed.');
    expect(await text('fail domain near.test 550 5.1.1 closed')).toBe('near.test purged, 2 messages failed.');
    rig.receive('quiet.test', 1);
    expect(await text('fail domain quiet quiet.test')).toBe('quiet.test purged, 1 messages failed.');
    await rig.queue.settle();
    expect(rig.failed).toEqual([
      { id: 'id0', reply: '554 5.7.0 Message manually failed.', quiet: false },
      { id: 'id1', reply: '554 5.7.0 not wanted', quiet: true },
      { id: 'id2', reply: '550 5.1.1 closed', quiet: false },
      { id: 'id3', reply: '550 5.1.1 closed', quiet: false },
      { id: 'id4', reply: '554 Message manually purged.', quiet: true },
    ]);
  });

  it('lets go what was set aside', async () => {
    const { text, rig } = await open();
    rig.receive('far.test', 1, { quarantined: 'odd' });
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(0);
    expect(await text('message release id0')).toBe('Message released.');
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(1);
  });
});

describe('names and routes', () => {
  it('are looked up as delivery does', async () => {
    const { text, calls, rig } = await open();
    rig.receive('far.test', 1);
    expect(await text('dig FAR.test')).toBe('pref  host         address        port\n  10  mx.far.test  198.51.100.25    25');
    expect(await text('dig gone.test')).toBe('454 4.4.4 no MX');
    expect(await text('dig')).toBe('NO: Say which domain.');
    expect(await text('domain far.test')).toMatch(
      /^Domain 'far\.test' has 1 hops from dns\n\[10 mx\.far\.test\] => 198\.51\.100\.25:25\nGroup\/Binding +AQ +DQ +Conn +Stopped\ndefault\/default +1 +0 +0$/,
    );
    expect(await text('domain gone.test')).toMatch(/^Domain 'gone\.test' has no route\n454 4\.4\.4 no MX\n/);
    await text('refresh domain Far.test');
    await text('refresh domain all');
    expect(await text('refresh domain')).toBe('NO: Say which domain, or "all".');
    expect(calls).toEqual(['forget far.test', 'forget all']);
  });
});

describe('modules', () => {
  it('are listed, those of the core itself not', async () => {
    const { data, text } = await open();
    expect(await data('module list')).toEqual([
      {
        Scope_Name: 'pinger',
        Instance_Name: 'p',
        Enabled: true,
        API: 'Validate',
        Hooks: 2,
        Description: 'Answers.',
        Where: 'x.conf:4',
      },
    ]);
    expect(await text('module list')).toContain('Scope_Name:    pinger\n');
  });

  it('are shown at their hooks, with what they cost', async () => {
    const { data, text, registry } = await open();
    registry.current.hooks.chains.data.run(makeSession(), {} as never);
    expect(await data('module hooks data')).toMatchObject([
      {
        hook: 'data',
        kind: 'ask',
        position: 1,
        module: 'pinger',
        instance: 'p',
        order: 'late',
        where: 'here',
        on_error: 'tempfail',
        calls: 1,
        errors: 0,
      },
    ]);
    expect(await data('module hooks')).toHaveLength(2);
    expect(await text('module hooks shutdown')).toBe('(none)');
    expect(await text('module hooks nonsense')).toBe('NO: There is no hook "nonsense".');
    expect(await text('module hooks constructor')).toBe('NO: There is no hook "constructor".');
  });

  it('bring commands of their own', async () => {
    const { text, data } = await open();
    expect(await text('pinger:p ping')).toBe('pong');
    expect(await text('pinger:p ping 7')).toBe('n  ok\n7  true');
    expect(await data('pinger:p ping 7')).toEqual([{ n: 7, ok: true }]);
    expect(await text('pinger:p touch')).toBe('OK');
    expect(await text('help pinger:p touch')).toContain('Changes something.');
  });
});

describe('bounce classes', () => {
  it('are explained, and what no rule knows is listed and forgotten', async () => {
    const { text, data, calls } = await open();
    expect(await text('bounce class "552 mailbox full"')).toBe('22 Mailbox Full, by "mailbox full"');
    expect(await text('bounce class nonsense')).toBe('1 Undetermined');
    expect(await text('bounce class')).toMatch(/^NO: /);
    expect(await text('bounce unknown')).toBe('3 unknown replies, 2 different ones\ncount  reply\n    2  550 odd ID\n    1  550 no');
    expect(await data('bounce unknown 1')).toMatchObject({ total: 3, different: 2, replies: [{ masked: '550 odd ID' }] });
    expect(await text('bounce unknown x')).toMatch(/^NO: /);
    expect(await text('bounce forget')).toContain('forgotten');
    expect(calls).toContain('forgot');
    const nothing = await open({ unknownBounces: () => ({ total: 0, list: [] }) });
    expect(await nothing.text('bounce unknown')).toBe('Every reply so far was known.');
  });
});

describe('the configuration', () => {
  it('is asked by its verbs', async () => {
    const { text } = await open();
    expect(await text('config get mx_failures_fallback_to_a')).toContain('3');
    expect(await text('config eval binding b1 domain far.test max_retries')).toContain('7');
    expect(await text('config show')).toContain('b1');
    expect(await text('config showrecurse')).toContain('7');
    expect(await text('config locate binding b1')).toContain('is at Binding:b1:');
    expect(await text('config get nonsense')).toMatch(/^NO: /);
  });

  it('is read again, or not at all', async () => {
    const { text, data } = await open();
    expect(await text('config reload')).toBe('reloaded the same');
    expect(await data('config reload next.conf')).toEqual({ snapshot: 1 });
    expect(await text('config reload bad.conf')).toBe('NO: bad.conf:1:1 error');
  });
});

describe('tls', () => {
  it('shows contexts and hosts in clear, and flushes them', async () => {
    const { text, data, calls } = await open();
    expect(await text('tls show cache')).toContain('192.0.2.1|25');
    expect(await data('tls show cache')).toMatchObject({
      contexts: [{ certificate: '/c.pem', authorities: 'default', protocols: '+ALL' }],
    });
    await text('tls flush cache');
    expect(calls).toEqual(['tls flush']);
    expect(await text('tls report')).toBe('Reports sent.');
  });

  it('shows policies, and forgets one with its routes', async () => {
    const { text, data, calls } = await open();
    expect(await data('mta_sts list all')).toEqual(['a.test', 'b.test']);
    expect(await data('mta_sts show domain A.test')).toMatchObject({ mode: 'enforce', mx: 'mx.a.test *.b.test', expired: true });
    expect(await text('mta_sts show domain c.test')).toBe('NO: No policy of c.test is kept.');
    expect(await text('mta_sts show domain ../x')).toMatch(/^NO:/);
    await text('mta_sts refresh policy a.test');
    expect(calls).toEqual(['sts a.test', 'forget a.test']);
  });
});
