import { describe, expect, it } from 'vitest';
import { configureText } from './configure.js';
import type { ModuleManifest } from './manifest.js';
import { opt } from './opt.js';
import { renderProblems } from './render.js';
import { type Answer, configEval, configGet, configLocate, configShow, configShowRecurse } from './verbs.js';

const manifests: readonly ModuleManifest[] = [
  {
    name: 'demo',
    options: { word: opt.secret({ doc: 'x' }), level: opt.int({ doc: 'x', default: 1 }) },
    blocks: { part: { level: opt.int({ doc: 'x', default: 2 }) } },
    scoped: { mark: opt.int({ doc: 'x', default: 3, scopes: ['global', 'domain'] }) },
  },
];
const read = await configureText(
  `Retry_Interval = "20 minutes"
Binding_Group "tenants" {
  Binding "acme" { Retry_Interval = 60  Domain "/^slow/" { Blackhole = 0 } }
}
Host "mx.test" { Max_Outbound_Connections = 4 }
Pathway_Group pg { Pathway "inside" { Max_Hops = 9 } }
ESMTP_Listener {
  Idle_Time = 5
  Listen ":25" { Peer 10.0.0.0/8 { Open_Relay = true } }
  Listen "[::1]:25" { }
}
ESMTP_Listener second { Idle_Time = 6 }
Security { User = mail }
demo "main" { word = hush  part p { } }
Domain d { Mark = 8 }
`,
  { unread: new Set(), manifests },
);
if (!read.ok) throw new Error(renderProblems(read.problems));
const { snapshot } = read;
const ask = (verb: typeof configGet, words: string): Answer => verb(snapshot, words === '' ? [] : words.split(' '));

describe('config get', () => {
  it.each([
    ['retry_interval', 'Retry_Interval = "20 minutes"'],
    ['global retry_interval', 'Retry_Interval = "20 minutes"'],
    ['binding_group tenants binding acme Retry_Interval', 'Retry_Interval = 60'],
    ['binding_group tenants binding acme domain /^slow/ blackhole', 'Blackhole = 0'],
    ['esmtp_listener idle_time', 'Idle_Time = 5'],
    ['esmtp_listener second idle_time', 'Idle_Time = 6'],
    ['esmtp_listener listen *:25 peer 10.0.0.0/8 open_relay', 'Open_Relay = true'],
    ['security user', 'User = mail'],
    ['demo main word', 'word = "********"'],
  ])('%s', (words, text) => expect(ask(configGet, words)).toMatchObject({ ok: true, text }));

  it.each([
    ['', 'Say which option: config get [scope name …] option.'],
    ['blackhole', "Option 'blackhole' is not set in scope ''."],
    ['binding_group tenants blackhole', "Option 'blackhole' is not set in scope 'tenants'."],
    ['binding nobody blackhole', "Option 'blackhole' is not set in scope 'binding nobody'."],
    ['demo main level', "Option 'level' is not set in scope 'main'."],
  ])('has no answer to %j', (words, text) => expect(ask(configGet, words)).toEqual({ ok: false, text }));

  it('tells the value and its place', () => {
    expect(ask(configGet, 'retry_interval')).toEqual({
      ok: true,
      text: 'Retry_Interval = "20 minutes"',
      value: 1200,
      scopeKey: 'global',
      file: '/text.conf',
      line: 1,
    });
    expect(ask(configGet, 'demo main word').value).toBe('"********"');
  });
});

describe('config eval', () => {
  it.each([
    ['retry_interval', 'Retry_Interval = "20 minutes"'],
    ['binding_group tenants binding acme domain x.test retry_interval', 'Retry_Interval = 60'],
    ['binding acme domain slow.test blackhole', 'Blackhole = 0'],
    ['binding_group nobody binding none domain x.test retry_interval', 'Retry_Interval = "20 minutes"'],
    ['message_expiration', 'Message_Expiration = 604800'],
    ['global message_expiration', 'Message_Expiration = 604800'],
    ['max_retries', 'Max_Retries ='],
    ['host mx.test max_outbound_connections', 'Max_Outbound_Connections = 4'],
    ['host mx2.test max_outbound_connections', 'Max_Outbound_Connections = -1'],
    ['pathway inside max_hops', 'Max_Hops = 9'],
    ['esmtp_listener listen :25 peer 10.1.1.1 open_relay', 'Open_Relay = true'],
    ['esmtp_listener listen :25 peer 11.1.1.1 open_relay', 'Open_Relay = false'],
    ['esmtp_listener second idle_time', 'Idle_Time = 6'],
    ['esmtp_listener max_message_size', 'Max_Message_Size = 10485760'],
    ['security user', 'User = mail'],
    ['security group', 'Group = ecuser'],
    ['snmp community', 'Community = public'],
    ['demo main level', 'Level = 1'],
    ['demo main part p level', 'Level = 2'],
    ['domain d mark', 'Mark = 8'],
    ['domain e mark', 'Mark = 3'],
  ])('%s', (words, text) => expect(ask(configEval, words)).toMatchObject({ ok: true, text }));

  it.each([
    ['', 'Say which option: config eval [scope name …] option.'],
    ['mesage_expiration', 'There is no option \'mesage_expiration\'. Did you mean "message_expiration"?'],
    ['frobnicate', "There is no option 'frobnicate'."],
    ['demo main levle', 'There is no option \'levle\'. Did you mean "level"?'],
    ['demo other level', "There is no scope 'demo other'."],
    ['nonsense x level', "There is no scope 'nonsense x'."],
  ])('has no answer to %j', (words, text) => expect(ask(configEval, words)).toEqual({ ok: false, text }));
});

describe('config show', () => {
  it('shows one level', () => {
    expect(ask(configShow, '').text).toBe(`Retry_Interval = "20 minutes"
Security { ... }
Demo "main" { ... }
Binding_Group "tenants" { ... }
Host "mx.test" { ... }
Pathway_Group "pg" { ... }
Esmtp_Listener { ... }
Esmtp_Listener "second" { ... }
Domain "d" { ... }`);
    expect(ask(configShow, 'esmtp_listener').text).toBe(
      'Esmtp_Listener {\n  Idle_Time = 5\n  Listen ":25" { ... }\n  Listen "[::1]:25" { ... }\n}',
    );
  });

  it('shows everything within', () => {
    expect(ask(configShowRecurse, 'binding_group tenants').text).toBe(`Binding_Group "tenants" {
  Binding "acme" {
    Retry_Interval = 60
    Domain "/^slow/" {
      Blackhole = 0
    }
  }
}`);
    expect(ask(configShowRecurse, '').text).toContain('Demo "main" {\n  word = "********"\n  Part "p" {\n  }\n}');
  });

  it('knows what is not there', () => expect(ask(configShow, 'binding x')).toEqual({ ok: false, text: "There is no scope 'binding x'." }));
});

describe('config locate', () => {
  it('says where stanzas stand', () => {
    expect(ask(configLocate, 'Listen :25').text).toBe(
      'Listen ":25"\n  is at Esmtp_Listener::Listen:\\:25:\nListen "[::1]:25"\n  is at Esmtp_Listener::Listen:[\\:\\:1]\\:25:',
    );
    expect(ask(configLocate, 'binding').text).toBe('Binding "acme"\n  is at Binding_Group:tenants:Binding:acme:');
    expect(ask(configLocate, 'part /^p$/').text).toBe('Part "p"\n  is at Demo:main:Part:p:');
    expect(ask(configLocate, 'domain /^slow/').text).toContain('Domain "/^slow/"');
    expect(ask(configLocate, 'peer [10').ok).toBe(false);
    expect(ask(configLocate, 'esmtp_listener').text).toBe(
      'Esmtp_Listener\n  is at Esmtp_Listener::\nEsmtp_Listener "second"\n  is at Esmtp_Listener:second:',
    );
  });

  it.each([
    ['', 'Say which stanza: config locate keyword [name or /regex/].'],
    ['binding nobody', 'There is no binding nobody.'],
  ])('has no answer to %j', (words, text) => expect(ask(configLocate, words)).toEqual({ ok: false, text }));
});
