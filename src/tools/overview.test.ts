/** The overview of a configuration. */
import { describe, expect, it } from 'vitest';
import { parse } from '../config/parse.js';
import { readOverview } from './overview.js';

describe('an overview', () => {
  it('names what a new user looks for', () => {
    const text = `
      SpoolBase = "var/spool"   gateway = "[127.0.0.1]"   remote_smtp_port = 2526
      Security { user = nobody }
      ESMTP_Listener { Listen "127.0.0.1:2525" { }  Listen ":25" { enable = off } }
      Control_Listener { Listen "var/console.sock" { } }
      ec_logger main { mainlog = "var/log/main.ec" rejectlog = 'var/log/reject.ec' heartbeat = 60 }
      Domain "x.example" { gateway = "elsewhere" }`;
    expect(readOverview(parse(text).tree)).toEqual({
      smtp: ['127.0.0.1:2525', ':25'],
      consoles: ['var/console.sock'],
      spool: 'var/spool',
      logs: ['var/log/main.ec', 'var/log/reject.ec'],
      user: 'nobody',
      hop: { host: '127.0.0.1', port: 2526 },
    });
  });

  it('names no hop for an empty gateway', () => {
    expect(readOverview(parse('gateway = ""').tree).hop).toBeUndefined();
  });

  it('of nothing is empty', () => {
    expect(readOverview(parse('').tree)).toEqual({ smtp: [], consoles: [], spool: undefined, logs: [], user: undefined, hop: undefined });
  });
});
