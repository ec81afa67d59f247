/** The daily round: for every day that is over and every domain that asks for it, one report by mail or HTTPS, once. */
import { createHash } from 'node:crypto';
import { hasFailed } from '../dns/answer.js';
import { isHostName } from '../dns/name.js';
import type { Resolver } from '../dns/resolver.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { type Address, toAddress } from '../mail/address.js';
import { dayOf, type Ledger, SETTLED_MS } from './ledger.js';
import { readReportRecord } from './record.js';
import { formatReportMail, makeReport, packReport, type ReportFacts } from './report.js';
import type { DomainTally } from './tally.js';

export interface ReporterSettings {
  readonly organization: string;
  /** Mailbox that reports come from and that answers questions. */
  readonly from: string;
  readonly submitter: string;
}

export interface ReporterPorts {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly resolver: Pick<Resolver, 'txt'>;
  /** Undefined: no reports are wanted now, or another worker sends them. */
  settings(): ReporterSettings | undefined;
  /** A whole number from 0 up to, not including, `below`. */
  random(below: number): number;
  /** Takes a message to one address; resolves when it is durable, rejects when it was refused. */
  mail(to: Address, message: { readonly headers: Buffer; readonly body: Buffer }): Promise<void>;
  /** POSTs it; rejects unless it was taken. */
  post(url: string, packed: Buffer, signal: AbortSignal): Promise<void>;
  log(level: 'info' | 'warning' | 'error', text: string, cause?: unknown): void;
}

/** Everybody's reports would arrive at midnight: RFC 8460 4.1 spreads them over four hours. */
const SPREAD_MS = 4 * 3_600_000;
/** What could not be sent is tried again each hour, until the day is two days past. */
const AGAIN_MS = 3_600_000;
const GIVE_UP_MS = 2 * 86_400_000;
const DAY_MS = 86_400_000;

export class Reporter {
  readonly #ports: ReporterPorts;
  readonly #stop = new AbortController();
  #timer: Timer | undefined;
  #round: Promise<unknown> = Promise.resolve();

  constructor(ports: ReporterPorts) {
    this.#ports = ports;
    // Days that ended while we were not there are late already.
    this.#schedule(AGAIN_MS / 60);
  }

  /** Resolves when the round that is under way has ended. */
  async settled(): Promise<void> {
    await this.#round;
  }

  /** Resolves when nothing is on its way any more. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort();
    await this.#round;
  }

  /** Sends what is due, one round after another; resolves to true when nothing is left over. */
  send(): Promise<boolean> {
    const round = this.#round.then(() => this.#sendDue());
    this.#round = round.catch(() => undefined);
    return round;
  }

  async #sendDue(): Promise<boolean> {
    const { ledger, clock, log } = this.#ports;
    const settings = this.#ports.settings();
    if (!settings) return true;
    let complete = true;
    for (const day of await ledger.pastDays()) {
      const [domains, done] = [await ledger.read(day), await ledger.reported(day)];
      const late = clock.now() - Date.parse(`${day}T23:59:59Z`) > GIVE_UP_MS;
      let whole = true;
      for (const [domain, tallies] of domains) {
        // Who sends them may change while one of them is on its way.
        if (this.#stop.signal.aborted || !this.#ports.settings()) return false;
        if (done.has(domain)) continue;
        if (await this.#report(day, domain, tallies, settings)) await ledger.markReported(day, domain);
        else whole = false;
      }
      if (!whole && late) log('warning', `some TLS reports about ${day} could not be sent and are given up`);
      if (whole || late) await ledger.forget(day);
      complete &&= whole || late;
    }
    return complete;
  }

  /** True when the domain has its report, or asks for none. */
  async #report(day: string, domain: string, tallies: DomainTally, settings: ReporterSettings): Promise<boolean> {
    const { resolver, clock, log } = this.#ports;
    if (!isHostName(domain)) return true;
    const answer = await resolver.txt(`_smtp._tls.${domain}`, this.#stop.signal);
    if (hasFailed(answer)) return false;
    const addresses = answer.kind === 'found' ? readReportRecord(answer.records) : undefined;
    if (!addresses) return true;
    const { organization, from, submitter } = settings;
    // The same after a crash, so that who gets the report twice can tell.
    const id = `${day}.${createHash('sha256').update(`${submitter}\n${domain}`).digest('hex').slice(0, 12)}.${domain.slice(0, 60)}`;
    const facts: ReportFacts = { domain, day, organization, contact: from, submitter, id };
    const packed = packReport(makeReport(facts, tallies));
    // One address that takes it is enough: the others get theirs too, but nothing is sent twice for their sake.
    let taken = false;
    for (const address of addresses) {
      try {
        if (/^mailto:/i.test(address)) await this.#mail(facts, packed, from, address, clock.now());
        else await this.#ports.post(address, packed, this.#stop.signal);
        taken = true;
      } catch (error) {
        log('warning', `the TLS report about ${domain} was not taken by ${address}`, error);
      }
    }
    return taken;
  }

  async #mail(facts: ReportFacts, packed: Buffer, from: string, uri: string, nowMs: number): Promise<void> {
    // RFC 6068: header fields in the URI are not ours to follow, and what is no address must not get into our header.
    const to = toAddress(decodeURIComponent(uri.slice('mailto:'.length).split('?')[0] ?? ''));
    if (!to) throw new TypeError('no address');
    await this.#ports.mail(to, formatReportMail(facts, packed, from, String(to), nowMs));
  }

  #schedule(ms: number): void {
    this.#timer = this.#ports.clock.after(ms, () => {
      void this.send()
        .catch((error: unknown) => {
          if (!this.#stop.signal.aborted) this.#ports.log('error', 'TLS reports could not be sent', error);
          return false;
        })
        .then((complete) => {
          if (!this.#stop.signal.aborted) this.#schedule(complete ? this.#untilNext() : AGAIN_MS);
        });
    });
  }

  #untilNext(): number {
    const now = this.#ports.clock.now();
    return Date.parse(`${dayOf(now)}T00:00:00Z`) + DAY_MS - now + SETTLED_MS + 1000 + this.#ports.random(SPREAD_MS);
  }
}
