/** The door to fingerprints, for modules and scripts. */
import type { Service } from '#module';

/** What p0f thinks a host is; empty and undefined where it does not know. */
export interface Fingerprint {
  /** Name of the system, such as "Linux". */
  readonly genre: string;
  /** Version, such as "2.2.x-3.x". */
  readonly detail: string;
  /** Network hops between the host and us. */
  readonly distance: number | undefined;
  /** Minutes since it was started, as far as its timestamps tell. */
  readonly uptimeMinutes: number | undefined;
  /** Kind of link, such as "DSL". */
  readonly link: string;
  /** It says it is other software than it is: 1 = another system, 2 = a plain lie. */
  readonly badSoftware: number;
}

export const Fingerprints: Service<{
  /** What is known of an address (IPv4 or IPv6); never rejects, never takes longer than the timeout. */
  lookup(ip: string): Promise<Fingerprint>;
}> = { name: 'fingerprints', module: 'fingerprint' };
