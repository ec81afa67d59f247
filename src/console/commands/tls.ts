/** Commands about TLS towards others: what is kept in memory, policies of domains, reports. */
import { CommandError, type ConsoleCommand, say, type Told } from '../command.js';
import type { Desk } from '../desk.js';
import { same } from '../merge.js';
import { formatPairs, formatRecords } from '../table.js';

/** Policies that one listing shows. */
const MOST_ROWS = 1000;

const stamp = (ms: number): string => new Date(ms).toISOString();

interface TlsMemory {
  readonly contexts: readonly Record<'certificate' | 'authorities' | 'ciphers' | 'protocols', string>[];
  readonly plain: readonly string[];
}

/** What all of them keep; what several keep is told once. */
function tellMemory(memories: readonly TlsMemory[]): Told {
  const contexts = [...new Map(memories.flatMap((each) => each.contexts).map((row) => [JSON.stringify(row), row])).values()];
  const plain = [...new Set(memories.flatMap((each) => each.plain))];
  const text = [`${contexts.length} contexts`, formatRecords(contexts), `${plain.length} addresses in clear`, ...plain];
  return { data: { contexts, plain }, text: text.filter((line) => line !== '').join('\n') };
}

export function tlsCommands(desk: Desk): readonly ConsoleCommand[] {
  return [
    {
      name: 'tls show cache',
      doc: 'TLS contexts of connections we make, and addresses whose TLS failed so that they are spoken to in clear for a while.',
      merge: { join: (told) => tellMemory(told.map(({ data }) => data as TlsMemory)) },
      run() {
        const { contexts, plain } = desk.tls.memory();
        const rows = contexts.map(({ certificate, authorities, ciphers, protocols }) => ({
          certificate: certificate ?? 'none',
          authorities: authorities ?? 'default',
          ciphers: ciphers ?? 'default',
          protocols: protocols ?? 'default',
        }));
        return tellMemory([{ contexts: rows, plain }]);
      },
    },
    {
      name: 'tls flush cache',
      doc: 'Read certificates anew, and try TLS again with every address.',
      merge: same,
      writes: true,
      run() {
        desk.tls.forgetMemory();
        return say('TLS contexts flushed.');
      },
    },
    {
      name: 'tls rekey',
      doc: 'Make new keys for the session tickets that clients are given, and read the certificates of listeners anew: no session begun before is resumed.',
      writes: true,
      async run() {
        await desk.tls.rekey();
        return say('TLS ticket keys changed.');
      },
    },
    {
      name: 'tls report',
      doc: 'Send the TLS reports that are due now (RFC 8460).',
      writes: true,
      async run() {
        const complete = await desk.tls.report();
        return say(complete ? 'Reports sent.' : 'Some reports could not be sent; they are tried again.', { complete });
      },
    },
    {
      name: 'mta_sts list all',
      doc: 'Domains whose MTA-STS policy is kept.',
      async run() {
        const domains = [...(await desk.tls.policies())].sort();
        const text = domains.slice(0, MOST_ROWS).join('\n') + (domains.length > MOST_ROWS ? `\n… ${domains.length - MOST_ROWS} more` : '');
        return { data: domains, text };
      },
    },
    {
      name: 'mta_sts show domain',
      args: 'DOMAIN',
      doc: 'The MTA-STS policy kept for a domain.',
      async run([domain]) {
        const kept = await desk.tls.policy(nameOf(domain));
        if (!kept) throw new CommandError(`No policy of ${domain} is kept.`);
        const data = {
          domain: nameOf(domain),
          mode: kept.mode,
          mx: kept.mx.join(' '),
          id: kept.id,
          fetched: stamp(kept.fetchedAt),
          expires: stamp(kept.expiresAt),
          expired: kept.expiresAt <= desk.now(),
        };
        return { data, text: formatPairs(Object.entries(data)) };
      },
    },
    {
      name: 'mta_sts refresh policy',
      args: 'DOMAIN',
      doc: 'Forget the MTA-STS policy kept for a domain, so that it is fetched with its next mail.',
      merge: same,
      writes: true,
      async run([domain]) {
        const name = nameOf(domain);
        await desk.tls.forgetPolicy(name);
        desk.forgetRoutes(name);
        return say(`The policy of ${name} is fetched anew with its next mail.`);
      },
    },
  ];
}

function nameOf(word: string | undefined): string {
  const name = word?.toLowerCase().replace(/\.$/, '') ?? '';
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name)) throw new CommandError('Say which domain.');
  return name;
}
