/** The door: what a module imports as "#module". Nothing else of the core is open to modules. */

export { opt } from '../config/opt.js';
export { OptionError } from '../config/option.js';
export type { GlobalValues, InboundValues, OutboundValues } from '../config/snapshot.js';
export { matchWithin } from '../kernel/guarded-match.js';
export { isLocalIp, kindOfIp } from '../kernel/ip-kind.js';
export { Pool } from '../kernel/pool.js';
export { Address, toAddress } from '../mail/address.js';
export type { Facts } from '../mail/facts.js';
export type { Headers } from '../mail/headers.js';
export { withLineFeeds } from '../mail/line-feeds.js';
export { formatOneLine, parseOneLine, reply } from '../mail/reply.js';
export * from './attempt.js';
export { bodyOf, Copy } from './copy.js';
export * from './hook.js';
export * from './hooks.js';
export type * from './io.js';
export type * from './login.js';
export type * from './macros.js';
export * from './manifest.js';
export * from './message.js';
export type * from './names.js';
export * from './place.js';
export * from './probe.js';
export type * from './reports.js';
export type * from './resolver.js';
export * from './service.js';
export type * from './session.js';
export {
  ACCEPT,
  type DeliverNow,
  deliverNow,
  discard,
  disconnect,
  quarantine,
  type Refusal,
  type Reply,
  reject,
  tempfail,
  type Verdict,
} from './verdict.js';
