/** One report about one domain and day: its JSON (RFC 8460 4) and the mail that carries it (5.3). Pure. */
import { gzipSync } from 'node:zlib';
import { formatDate } from '../mail/date.js';
import type { DomainTally } from './tally.js';

export interface ReportFacts {
  readonly domain: string;
  /** UTC day the counts are of: 2026-11-23. */
  readonly day: string;
  readonly organization: string;
  /** Mailbox or URL that answers questions. */
  readonly contact: string;
  readonly submitter: string;
  readonly id: string;
}

/** The report as an object, fields as RFC 8460 4 names them. */
export function makeReport({ day, organization, contact, id }: ReportFacts, tallies: DomainTally): object {
  return {
    'organization-name': organization,
    'date-range': { 'start-datetime': `${day}T00:00:00Z`, 'end-datetime': `${day}T23:59:59Z` },
    'contact-info': contact,
    'report-id': id,
    policies: [...tallies.values()].map(({ policy, succeeded, failed, failures }) => ({
      policy: {
        'policy-type': policy.type,
        'policy-string': policy.strings,
        'policy-domain': policy.domain,
        ...(policy.mxPatterns.length > 0 && { 'mx-host': policy.mxPatterns }),
      },
      summary: { 'total-successful-session-count': succeeded, 'total-failure-session-count': failed },
      'failure-details': [...failures.values()].map(({ fault, host, ip, source, detail, count }) => ({
        'result-type': fault,
        ...(source !== '' && { 'sending-mta-ip': source }),
        ...(host !== '' && { 'receiving-mx-hostname': host }),
        ...(ip !== '' && { 'receiving-ip': ip }),
        'failed-session-count': count,
        ...(detail !== '' && detail !== fault && { 'failure-reason-code': detail }),
      })),
    })),
  };
}

export const packReport = (report: object): Buffer => gzipSync(Buffer.from(JSON.stringify(report)));

/** The name of its file (RFC 8460 5.1). */
export function nameReport({ submitter, domain, day, id }: ReportFacts): string {
  const begin = Date.parse(`${day}T00:00:00Z`) / 1000;
  return [submitter, domain, begin, begin + 86_399, id].join('!').concat('.json.gz');
}

/** The message that carries a report. */
export function formatReportMail(
  facts: ReportFacts,
  packed: Buffer,
  from: string,
  to: string,
  nowMs: number,
): { readonly headers: Buffer; readonly body: Buffer } {
  const { domain, submitter, day, id } = facts;
  const boundary = `=_${id}`;
  const file = nameReport(facts);
  const headers = [
    `From: ${from}`,
    `To: ${to}`,
    `Date: ${formatDate(nowMs)}`,
    `Message-ID: <${id}@${submitter}>`,
    `Subject: Report Domain: ${domain}`,
    ` Submitter: ${submitter}`,
    ` Report-ID: <${id}@${submitter}>`,
    `TLS-Report-Domain: ${domain}`,
    `TLS-Report-Submitter: ${submitter}`,
    // It is to arrive although TLS fails: that is what it reports (RFC 8460 3).
    'TLS-Required: No',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type="tlsrpt";',
    ` boundary="${boundary}"`,
  ];
  const body = [
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is a report about encrypted delivery of mail (RFC 8460)',
    `from ${submitter}`,
    `to ${domain}`,
    `on ${day} (UTC).`,
    '',
    `--${boundary}`,
    'Content-Type: application/tlsrpt+gzip',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment;',
    ` filename="${file}"`,
    '',
    ...(packed.toString('base64').match(/.{1,76}/g) ?? []),
    `--${boundary}--`,
  ];
  return { headers: Buffer.from(`${headers.join('\r\n')}\r\n\r\n`), body: Buffer.from(`${body.join('\r\n')}\r\n`) };
}
