/** What signing came to, in all and by domain, for the console. */

export interface Figures {
  processed: number;
  signed: number;
  failed: number;
  /** Wall time from the question to the signature. */
  milliseconds: number;
}

/** Domains that are told apart; mail of further ones counts in the total only. */
const MOST_DOMAINS = 10_000;

export class SigningStats {
  readonly total: Figures = { processed: 0, signed: 0, failed: 0, milliseconds: 0 };
  readonly #domains = new Map<string, Figures>();
  readonly #perDomain: boolean;

  constructor(perDomain: boolean) {
    this.#perDomain = perDomain;
  }

  note(domain: string, signed: number, failed: number, milliseconds: number): void {
    for (const figures of [this.total, this.#of(domain)]) {
      if (!figures) continue;
      figures.processed++;
      figures.signed += signed;
      figures.failed += failed;
      figures.milliseconds += milliseconds;
    }
  }

  /** The total first, then domains by what they signed. */
  rows(): readonly (Figures & { readonly domain: string })[] {
    const domains = [...this.#domains].sort(([, a], [, b]) => b.signed - a.signed);
    return [['', this.total] as const, ...domains].map(([domain, figures]) => ({
      domain: domain === '' ? '*' : domain,
      ...figures,
      milliseconds: Math.round(figures.milliseconds),
    }));
  }

  reset(): void {
    Object.assign(this.total, { processed: 0, signed: 0, failed: 0, milliseconds: 0 });
    this.#domains.clear();
  }

  #of(domain: string): Figures | undefined {
    if (!this.#perDomain) return undefined;
    let figures = this.#domains.get(domain);
    if (!figures && this.#domains.size < MOST_DOMAINS)
      this.#domains.set(domain, (figures = { processed: 0, signed: 0, failed: 0, milliseconds: 0 }));
    return figures;
  }
}
