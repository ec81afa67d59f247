/** The one spelling of a domain name by which names are compared: lower case, and A-labels where it has U-labels (RFC 5890). */
import { domainToASCII } from 'node:url';

const NON_ASCII = /[^\0-\x7f]/;
/** What may be turned to A-labels: the conversion reads a whole URL authority and decodes percent signs, so none of their signs may stand. */
const INTERNATIONAL = /^(?:[a-z0-9._-]|[^\0-\x7f])+$/;

/** `BÜCHER.example` and `xn--bcher-kva.example` come out the same; what cannot be converted stays, in lower case. */
export function foldDomain(name: string): string {
  const lower = name.toLowerCase();
  if (!NON_ASCII.test(lower)) return lower;
  return (INTERNATIONAL.test(lower) && domainToASCII(lower)) || lower;
}
