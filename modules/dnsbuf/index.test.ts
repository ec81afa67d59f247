/** dnsbuf over real sockets. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { DnsSockets } from '#module';
import { configureText } from '../../src/config/configure.js';
import { SocketWire } from '../../src/dns/socket-wire.js';
import { rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import dnsbuf from './index.js';

async function start(text: string) {
  const server = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(server, 'listening');
  const wire = new SocketWire();
  const at = { ip: '127.0.0.1', port: server.address().port };
  const sockets = {
    size: (buffers: SocketWire['buffers']) => void (wire.buffers = buffers),
    leave: (buffers: SocketWire['buffers']) => void (wire.buffers === buffers && (wire.buffers = undefined)),
    measure: async () => [{ server: 'one', ...(await wire.measure(at)) }],
  };
  const rehearsal = rehearse({ service: (token) => (token === DnsSockets ? sockets : undefined) });
  const { registry } = rehearsal;
  const load = async (conf: string): Promise<void> => {
    const configured = await configureText(conf, { manifests: [dnsbuf] });
    if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
    registry.commit(await registry.prepare(makePlans(configured.snapshot, [dnsbuf])));
  };
  await load(text);
  const verify = () => registry.current.commands.get('dnsbuf verify')?.command.run([], new AbortController().signal);
  return { ...rehearsal, wire, load, verify, at, server, [Symbol.dispose]: () => void server.close() };
}

describe('dnsbuf', () => {
  it('gives sockets of queries the sizes, which the kernel doubles', async () => {
    using rig = await start('dnsbuf { sndbuf_size = 65536  rcvbuf_size = 32768 }');
    expect(await rig.verify()).toEqual([{ number: 0, server: 'one', sndbuf: 131_072, rcvbuf: 65_536 }]);
    rig.server.on('message', (query, from) => rig.server.send(query, from.port, from.address));
    const answer = await rig.wire.udp(rig.at, Buffer.from('question'), () => true, AbortSignal.timeout(5_000));
    expect(answer.toString()).toBe('question');
  });

  it('follows a reload, and is without effect when it is gone', async () => {
    using rig = await start('dnsbuf { rcvbuf_size = 65536 }');
    await rig.load('dnsbuf { rcvbuf_size = 16384 }');
    expect(await rig.verify()).toMatchObject([{ rcvbuf: 32_768 }]);
    await rig.load('');
    await expect.poll(() => rig.wire.buffers).toBeUndefined();
  });

  it('warns once of a limit of the kernel', async () => {
    using rig = await start('dnsbuf { debug_level = "warning"  rcvbuf_size = 2000000000 }');
    await rig.verify();
    await rig.verify();
    expect(rig.said).toHaveLength(1);
    expect(rig.said[0]).toMatchObject({
      level: 'warning',
      text: expect.stringMatching(/^rcvbuf_size is 2000000000, .* net\.core\.rmem_max/),
    });
  });

  it.each(['rcvbuf_size = 1023', 'sndbuf_size = "big"', 'interval = 0'])('check refuses %s', async (line) => {
    expect((await configureText(`dnsbuf { ${line} }`, { manifests: [dnsbuf] })).ok).toBe(false);
  });
});
