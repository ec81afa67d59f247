/** The messages of a run: each says in itself what it is, so that whoever finds one knows that it may be deleted. */
import type { Subject } from './case.js';

/** A header block, with the empty line. */
export function writeHead({ sender, recipient, mark }: Subject, about: string, more = ''): string {
  return [
    `From: <${sender || recipient}>`,
    `To: <${recipient}>`,
    `Subject: Celeris probe ${mark}: ${about}`,
    `Message-ID: <${mark}.${about.replace(/[^a-z0-9]+/gi, '-')}@celeris-probe.invalid>`,
    'Date: Thu, 01 Jan 2026 00:00:00 +0000',
    'Auto-Submitted: auto-generated',
    `X-Celeris-Probe: ${mark}`,
    `${more}\r\n`,
  ].join('\r\n');
}

/** What stands in every body. */
export const NOTE = 'This message tests a mail server and may be deleted.\r\n';
