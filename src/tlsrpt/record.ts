/** The TXT record by which a domain asks for TLS reports (RFC 8460 3). Pure. */

/** Addresses of one domain that get its reports. */
const MOST_ADDRESSES = 8;
const LONGEST_ADDRESS = 1000;

/** `mailto:` and `https:` URIs, in order; undefined where the domain asks for no reports, or oddly. */
export function readReportRecord(texts: readonly string[]): readonly string[] | undefined {
  const records = texts.filter((text) => /^v=TLSRPTv1[ \t]*;/.test(text));
  const [record] = records;
  if (record === undefined || records.length > 1) return undefined;
  const field = record
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => /^rua[ \t]*=/.test(pair));
  if (field === undefined) return undefined;
  const addresses = field
    .slice(field.indexOf('=') + 1)
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address.length <= LONGEST_ADDRESS && /^(mailto:[^@\s]+@[^@\s]+|https:\/\/\S+)$/i.test(address));
  return addresses.length === 0 ? undefined : addresses.slice(0, MOST_ADDRESSES);
}
