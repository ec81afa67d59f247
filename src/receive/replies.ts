/** What reception says; the words are those of Momentum's response list where it has them. */
import { type Reply, reply } from '../mail/reply.js';

export const RELAY_DENIED = reply(550, '5.7.1', 'relaying denied');
export const BLACKHOLED = reply(551, '5.7.1', 'recipient blackholed');
export const NO_ROOM = reply(452, '4.3.1', 'Insufficient system storage');
export const NO_RESOURCES = reply(421, '4.3.4', 'allocated resources exceeded');
export const LOCAL_ERROR = reply(451, '4.3.0', 'Requested action aborted: local error in processing');
export const NO_BINDING = reply(451, '4.3.5', 'no binding for this message');
export const DISCARDED = reply(550, '5.7.1', '[internal] discarded by policy');
export const NULL_SENDER_REFUSED = reply(550, '5.7.1', 'null envelope sender not allowed');
export const LITERAL_REFUSED = reply(550, '5.1.2', 'address literals are not accepted here');
export const DATE_MISSING = reply(550, '5.6.0', 'Missing required RFC2822 Date field');
/** RFC 2852 3 and 4: the EHLO answer named the shortest time. */
export const TIME_TOO_SHORT = reply(555, '5.4.7', 'the time for delivery is too short');
export const HELD_TOO_LONG = reply(501, '5.5.4', 'the message may not be kept back that long');
export const FIELD_TWICE = reply(550, '5.6.0', 'Header field that may stand once stands twice');
export const HEADERS_MISSING = reply(550, '5.6.0', 'Required headers not found');
export const LINES_PAST_MENDING = reply(550, '5.6.0', 'Line too long in a part that may not be changed');
/** RFC 3463 X.6.3: what came as BODY=BINARYMIME cannot be one of lines. */
export const CONVERSION_IMPOSSIBLE = reply(554, '5.6.3', 'conversion of binary content required but not supported here');
export const GREW_TOO_LARGE = reply(552, '5.3.4', 'message size limit exceeded');
export const LONE_IN_STRUCTURE = reply(550, '5.6.0', 'Lone CR or LF in body');
export const NUL_IN_STRUCTURE = reply(550, '5.6.0', 'NUL in message');
export const LINE_TOO_LONG = reply(550, '5.6.0', 'Body line too long');
export const EXPANDS_TOO_FAR = reply(550, '5.5.3', '[internal] recipients expand to too many');
export const THROTTLED = reply(451, '4.7.1', 'message rate exceeded, try again later');
export const NOT_DELIVERED = reply(451, '4.3.0', 'temporary failure');

/** RFC 6710 4.1: MAIL is accepted, its message with another priority than was asked for. */
export const priorityChanged = (priority: number): Reply => reply(250, '2.3.6', `${priority} is the priority this message gets`);

/** 250 with the id under which the operator finds the message. */
export const queuedAs = (id: string): Reply => reply(250, '2.0.0', `OK ${id}`);
