/** What the daemon keeps about TLS towards others: policies of domains, and the counts and reports of how it went. */
import { randomInt } from 'node:crypto';
import path from 'node:path';
import type { Snapshot } from '../config/snapshot.js';
import { normalizeName } from '../dns/name.js';
import type { ResolvConf } from '../dns/resolv-conf.js';
import type { Resolver } from '../dns/resolver.js';
import { parseIp } from '../kernel/cidr.js';
import type { Clock } from '../kernel/clock.js';
import { nodeDisk } from '../kernel/node-disk.js';
import { type Address, toAddress } from '../mail/address.js';
import { formatOneLine, type Reply } from '../mail/reply.js';
import { bodyOf } from '../module/copy.js';
import type { MadeMessage } from '../module/flow.js';
import type { TlsOutcome } from '../module/tls-demand.js';
import { Demands, type Judged } from '../tlspolicy/demands.js';
import { StsPolicies } from '../tlspolicy/sts.js';
import { fetchSts } from '../tlspolicy/sts-fetch.js';
import { StsStore } from '../tlspolicy/sts-store.js';
import { Ledger } from '../tlsrpt/ledger.js';
import { postReport } from '../tlsrpt/post.js';
import { Reporter } from '../tlsrpt/reporter.js';

export interface TlsHousePorts {
  readonly clock: Clock;
  readonly resolver: Resolver;
  resolvConf(): ResolvConf;
  /** Root of the spool. */
  readonly root: string;
  snapshot(): Snapshot;
  hostname(): string;
  /** This worker does what is done once: all of them count, one reports. */
  leads(): boolean;
  inject(made: MadeMessage): Promise<{ readonly reply: Reply }>;
  log(level: 'info' | 'warning' | 'error', text: string, cause?: unknown): void;
}

export class TlsHouse {
  readonly sts: StsPolicies;
  readonly ledger: Ledger;
  readonly reporter: Reporter;
  readonly #demands: Demands;
  readonly #ports: TlsHousePorts;
  /** Snapshot under which it was said that no name server is trusted. */
  #warned: Snapshot | undefined;

  constructor(ports: TlsHousePorts) {
    this.#ports = ports;
    const { clock, resolver, root, log } = ports;
    const store = new StsStore(nodeDisk, path.resolve(ports.snapshot().global.mta_sts_policy_store ?? path.join(root, 'mtasts')));
    const fetch = (domain: string, signal: AbortSignal) => fetchSts({ clock, resolver }, domain, this.#mayBePrivate(domain), signal);
    this.sts = new StsPolicies({ clock, resolver, store, fetch, log });
    this.#demands = new Demands({ resolver, sts: this.sts, tlsWent: (outcome) => this.went(outcome) });
    this.ledger = new Ledger({ clock, disk: nodeDisk, folder: path.join(root, 'tlsrpt'), log });
    this.reporter = new Reporter({
      clock,
      ledger: this.ledger,
      resolver,
      settings: () => this.#reportSettings(),
      random: (below) => randomInt(below),
      mail: (to, message) => this.#mail(to, message),
      post: (url, packed, signal) => postReport({ clock, resolver, allowPrivate: () => false }, url, packed, signal),
      log,
    });
  }

  /** For the router: puts on each hop what is demanded of it. */
  readonly demands = (...[domain, list, wish, signal]: Parameters<Demands['judge']>): Promise<Judged> => {
    if (wish.dane) this.#warnOfDistrust();
    return this.#demands.judge(domain, list, wish, signal);
  };

  /** Counts how TLS with a host went, where reports are wanted. */
  readonly went = (outcome: TlsOutcome): void => {
    if (this.#ports.snapshot().global.tlsrpt) this.ledger.count(outcome);
  };

  /** Ends everything on its way; counts are on disk when it resolves. */
  async close(): Promise<void> {
    this.sts.close();
    await this.reporter.close();
    await this.ledger.flush();
  }

  /** A policy host on a private address is asked only where mail for its domain may go to such. */
  #mayBePrivate(domain: string): boolean {
    return this.#ports.snapshot().at({ domain: normalizeName(domain) ?? domain }).deliver_to_private;
  }

  /** DANE without a resolver that is believed is no DANE: that must not pass in silence. */
  #warnOfDistrust(): void {
    const { snapshot, resolvConf, log } = this.#ports;
    if (this.#warned === snapshot()) return;
    this.#warned = snapshot();
    const { trustAd, servers } = resolvConf();
    if (trustAd || servers.some(({ ip }) => parseIp(ip)?.[0] === 127 || ip === '::1')) return;
    log('warning', 'use_dane has no effect: no name server of resolv.conf is on this machine, and trust-ad is not set');
  }

  #reportSettings() {
    const { tlsrpt, tlsrpt_from, tlsrpt_organization } = this.#ports.snapshot().global;
    if (!tlsrpt || !this.#ports.leads()) return undefined;
    const submitter = this.#ports.hostname();
    return { organization: tlsrpt_organization ?? submitter, from: tlsrpt_from ?? `postmaster@${submitter}`, submitter };
  }

  async #mail(to: Address, { headers, body }: { readonly headers: Buffer; readonly body: Buffer }): Promise<void> {
    const sender = toAddress(this.#reportSettings()?.from ?? '') ?? null;
    const { reply } = await this.#ports.inject({
      sender,
      recipients: [to],
      headers,
      content: bodyOf([body]),
      protocol: 'internal',
      notice: true,
    });
    if (reply.code >= 400) throw new Error(formatOneLine(reply));
  }
}
