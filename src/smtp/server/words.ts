/** What the session engine itself says. Where Momentum's response list has the case, the words are its words. */
import { formatWire, type Reply } from '../../mail/reply.js';

/** A reply with its octets, made once. */
export interface Phrase extends Reply {
  readonly wire: string;
}

/** Control characters other than the line ends of a reply: nothing a peer or a script wrote may end a line of ours. */
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f]+/g;

/** The octets of any reply. */
export const renderReply = (reply: Reply): string =>
  'wire' in reply ? (reply as Phrase).wire : formatWire({ ...reply, text: reply.text.replace(CONTROL, ' ') });

/** Whether a text can go out octet by octet. */
export const isAscii = (text: string): boolean => !/[^\x00-\x7f]/.test(text);

/** Makes a phrase. */
export const phrase = (code: number, status: string, text: string): Phrase =>
  Object.freeze({ code, status, text, wire: formatWire({ code, status, text }) });

export const HELO_NEEDED = phrase(550, '5.5.1', 'RFC2821 HELO/EHLO needed');
export const UNRECOGNIZED = phrase(500, '5.5.2', 'unrecognized command');
export const LINE_TOO_LONG = phrase(500, '5.5.2', 'command line too long');
export const LONE_LF_IN_COMMAND = phrase(500, '5.5.2', 'command line must end with CR LF');
export const CONTROL_IN_COMMAND = phrase(501, '5.5.2', 'control character in command');
export const NOT_IMPLEMENTED = phrase(502, '5.5.1', 'command not implemented');
export const BAD_SEQUENCE = phrase(503, '5.5.1', 'bad sequence of commands');
export const PIPELINED = phrase(503, '5.5.0', 'command sent before the reply it has to wait for');
export const NO_ARGUMENTS = phrase(501, '5.5.4', 'Syntax error (no parameters allowed)');

export const INVALID_EHLO = phrase(501, '5.5.2', 'invalid EHLO');
export const INVALID_HELO = phrase(501, '5.5.2', 'invalid HELO');

export const MAIL_ACCEPTED = phrase(250, '2.0.0', 'MAIL FROM accepted');
export const MAIL_TWICE = phrase(501, '5.5.1', 'MAIL FROM already established');
export const MAIL_SYNTAX = phrase(501, '5.5.2', 'MAIL FROM syntax error');
export const SENDER_NOT_UTF8 = phrase(501, '5.1.7', 'sender address is not valid UTF-8');
export const RCPT_ACCEPTED = phrase(250, '2.0.0', 'RCPT TO accepted');
export const RCPT_WITHOUT_MAIL = phrase(503, '', 'RCPT TO without MAIL FROM');
export const RCPT_SYNTAX = phrase(501, '5.5.2', 'RCPT TO syntax error');
export const RECIPIENT_NOT_UTF8 = phrase(501, '5.1.3', 'recipient address is not valid UTF-8');
export const UTF8_NOT_ANNOUNCED = phrase(553, '5.6.7', 'non-ASCII address without SMTPUTF8');
export const TOO_MANY_RECIPIENTS = phrase(452, '4.5.3', 'Service unavailable, recipients per message limit reached');
export const TOO_MANY_RECIPIENTS_IN_SESSION = phrase(452, '4.5.3', 'Service unavailable, recipients per connection limit reached');

export const UNKNOWN_PARAMETER = phrase(555, '5.5.4', 'unsupported parameter');
export const BAD_PARAMETER = phrase(501, '5.5.4', 'invalid parameter');
export const REPEATED_PARAMETER = phrase(501, '5.5.4', 'repeated parameter');

export const GO_AHEAD = phrase(354, '', 'go ahead, end with <CR><LF>.<CR><LF>');
export const DATA_WITHOUT_MAIL = phrase(503, '5.5.1', 'DATA without MAIL FROM');
export const DATA_WITHOUT_RCPT = phrase(503, '5.5.1', 'DATA without RCPT TO');
export const DATA_ARGUMENT = phrase(501, '5.5.4', 'unexpected argument to DATA');
export const DATA_AFTER_BDAT = phrase(503, '5.5.1', 'bad sequence of commands');
export const CHUNK_ACCEPTED = phrase(250, '2.0.0', 'chunk accepted');
export const CHUNK_AFTER_ERROR = phrase(503, '5.5.1', 'bad sequence of commands');
export const BAD_CHUNK = phrase(501, '5.5.4', 'invalid arguments to BDAT');

export const TOO_LARGE = phrase(552, '5.3.4', 'message size limit exceeded');
export const HEADER_TOO_LARGE = phrase(552, '5.3.4', 'header size limit exceeded');
export const TOO_MANY_HOPS = phrase(554, '5.4.6', 'too many hops, mail loop suspected');
export const LONE_IN_HEADERS = phrase(550, '5.6.0', 'Lone CR or LF in headers');
export const LONE_IN_BODY = phrase(550, '5.6.0', 'Lone CR or LF in body');
export const NUL_IN_MESSAGE = phrase(550, '5.6.0', 'NUL in message');
export const HEADER_LINE_TOO_LONG = phrase(550, '5.6.0', 'Header line too long');
export const BODY_LINE_TOO_LONG = phrase(550, '5.6.0', 'Body line too long');
export const HEADERS_MISSING = phrase(550, '5.6.0', 'Required headers not found');

export const RESET = phrase(250, '2.0.0', 'Reset OK');
export const RESET_ARGUMENT = phrase(501, '5.5.4', 'invalid arguments to RSET');
export const NOOP = phrase(250, '2.0.0', 'OK');
export const CANNOT_VERIFY = phrase(252, '2.5.2', 'send some mail, we will try to deliver it');
export const HELP = phrase(214, '2.0.0', 'EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS AUTH QUIT HELP, see RFC 5321');

export const TLS_GO_AHEAD = phrase(220, '2.0.0', 'continue');
export const TLS_ACTIVE = phrase(503, '5.5.1', 'bad sequence of commands');
export const CERTIFICATE_NEEDED = phrase(421, '4.7.0', 'a client certificate is needed');
export const TLS_INJECTION = phrase(503, '5.5.0', 'command sent before the reply it has to wait for');

export const AUTHENTICATED = phrase(235, '2.7.0', 'Authentication successful');
export const AUTH_SYNTAX = phrase(501, '5.5.4', 'invalid arguments to AUTH');
export const BAD_BASE64 = phrase(501, '5.5.2', 'invalid base64 data');
export const AUTH_CANCELLED = phrase(501, '5.7.0', 'authentication cancelled');
export const UNKNOWN_MECHANISM = phrase(504, '5.5.4', 'authentication mechanism not offered');
export const AUTH_LINE_TOO_LONG = phrase(500, '5.5.6', 'authentication exchange line is too long');
export const AUTH_NEEDED = phrase(530, '5.7.0', 'Authentication required');
export const ENCRYPTION_NEEDED = phrase(538, '5.7.11', 'Encryption required for authentication');
export const TOO_MANY_FAILURES = phrase(421, '4.7.0', 'too many authentication failures');

export const UNTRUSTED = phrase(550, '5.7.0', 'not authorized to speak for another client');
export const BAD_ATTRIBUTE = phrase(501, '5.5.4', 'unknown or invalid attribute');
export const TOLD = phrase(250, '2.0.0', 'OK');
export const TOO_MUCH_CONTEXT = phrase(452, '4.3.1', 'too many context variables');

export const CONCURRENCY = phrase(421, '4.4.5', 'Service unavailable, concurrency limit reached');
export const SERVICE_UNAVAILABLE = phrase(421, '4.4.5', 'Service unavailable');
export const SHUTTING_DOWN = phrase(421, '4.3.2', 'Service shutting down');
export const TOO_MANY_ERRORS = phrase(421, '4.7.0', 'too many errors');
export const OVERRUN = phrase(421, '4.7.0', 'input exceeds all limits');
export const NOT_SMTP = phrase(421, '4.7.0', 'this is an SMTP service');
export const EARLY = phrase(554, '5.5.0', 'client spoke before the greeting');
export const IDLE = phrase(421, '4.4.2', 'timed out waiting for input');
export const TOO_SLOW = phrase(421, '4.4.2', 'timed out reading the message');
export const STUCK = phrase(421, '4.3.0', 'temporary issue, please retry your message later');
