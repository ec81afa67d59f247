import { describe, expect, it } from 'vitest';
import { configureText } from './configure.js';
import { renderProblems } from './render.js';

const EXAMPLE = `
Relay_Hosts = ( 127.0.0.0/8 ::1 10.20.0.0/16 )
Message_Expiration = 172800
Binding_Group "tenants" {
  Outbound_Throttle_Messages = "500/10"        # one shared bucket for all members
  Binding "acme" {
    Bind_Address = 192.0.2.10
    EHLO_Hostname = "out1.acme.test"
    Domain "/^(slow|picky)\\.test$/" { Max_Outbound_Connections = 2 }
  }
}
Host "mx1.shared.test" { Max_Outbound_Connections = 10 }
ESMTP_Listener {
  Peer 10.20.0.0/16 { Open_Relay = true  Context = [ zone = "inside" ] }
  Listen ":25"  { SMTP_Extensions = ( ENHANCEDSTATUSCODES STARTTLS ) }
  Listen ":587" { Enable = off }
}
Control_Listener { Listen "/tmp/2025" { File_Mode = 0660 } }
`;

describe('Snapshot', () => {
  it('reads the example of the manual', async () => {
    const read = await configureText(EXAMPLE, { unread: new Set() });
    if (!read.ok) throw new Error(renderProblems(read.problems));
    const { snapshot } = read;
    expect(snapshot.global.message_expiration).toBe(172_800);
    expect(snapshot.at({ binding: 'acme', domain: 'slow.test' }).max_outbound_connections).toBe(2);
    expect(snapshot.find('outbound_throttle_messages', { group: 'tenants', binding: 'acme', domain: 'x.test' })).toMatchObject({
      value: { count: 500, seconds: 10 },
      scopeKey: 'binding_group tenants',
      line: 5,
    });
    expect(snapshot.host('mx1.shared.test').max_outbound_connections).toBe(10);
    expect(snapshot.host('mx2.shared.test').max_outbound_connections).toBe(-1);
    const inside = snapshot.inbound({ listener: 'esmtp_listener', listen: '0.0.0.0:25', peerIp: '10.20.1.1' });
    expect(inside.open_relay).toBe(true);
    expect(inside.context).toEqual({ zone: 'inside' });
    expect(inside.relay_hosts?.has('10.20.1.1')).toBe(true);
    expect(inside.max_message_size).toBe(10_485_760);
    expect(snapshot.listeners('control_listener')[0]?.listens[0]?.address).toEqual({ kind: 'unix', path: '/tmp/2025' });
  });
});
