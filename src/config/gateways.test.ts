import { describe, expect, it } from 'vitest';
import { configureText } from './configure.js';

async function noticesOf(text: string) {
  const { ok, problems } = await configureText(text, { unread: new Set() });
  expect(ok).toBe(true);
  return problems.map(({ severity, code, line, say, hint }) => `${severity} ${code} ${line} ${say} ${hint}`);
}

describe('options of a domain beside its gateway', () => {
  it('are told once, with what to write', async () => {
    const text = `domain "a.test" {
  retry_interval = 60
  gateway = "Relay.test"
  delivery_method = lmtp
  lmtp_port = 24
}`;
    expect(await noticesOf(text)).toEqual([
      'notice CONFIG_CONFLICT 2 "retry_interval", "delivery_method", "lmtp_port" do not apply to a.test: its mail is queued under the name of its gateway, relay.test. Did you mean routes = ( "relay.test" )? Or set them in domain "relay.test".',
    ]);
  });

  it.each([
    ['a gateway around the domain', 'binding "b" { gateway = "g.test" domain "a.test" { max_outbound_connections = 1 } }', 1],
    ['a global gateway', 'gateway = "g.test" domain "a.test" { remote_smtp_port = 26 }', 1],
    ['the domain of the gateway itself', 'gateway = "g.test" domain "g.test" { remote_smtp_port = 26 }', 0],
    ['a pattern that matches the gateway', 'gateway = "g.test" domain "/^g\\.test$/" { remote_smtp_port = 26 }', 0],
    ['no gateway', 'domain "a.test" { remote_smtp_port = 26 routes = ( "g.test" ) }', 0],
    ['what counts while mail comes in', 'domain "a.test" { gateway = "g.test" blackhole = inline bounce_behavior = blackhole }', 0],
    ['a binding with a gateway', 'binding "b" { gateway = "g.test" remote_smtp_port = 26 }', 0],
    ['a gateway taken away in the domain', 'gateway = "g.test" domain "a.test" { gateway = "" remote_smtp_port = 26 }', 0],
    ['a gateway taken away around it', 'gateway = "g.test" binding "b" { gateway = "" domain "a.test" { remote_smtp_port = 26 } }', 0],
    ['two domains', 'gateway = "g.test" domain "a.test" { tls = required } domain "b.test" { tls = required }', 2],
  ])('%s: %s', async (_what, text, count) => {
    expect(await noticesOf(text)).toHaveLength(count);
  });
});

describe('server_max_file_descriptors', () => {
  it.each([
    ['server_max_file_descriptors = 79999', 1],
    ['server_max_file_descriptors = 80000', 0],
    ['server_max_file_descriptors = 400\nserver_max_outbound_connections = 100', 0],
    ['server_max_outbound_connections = 1000000', 0],
  ])('%s', async (text, count) => {
    expect(await noticesOf(text)).toHaveLength(count);
  });
});
