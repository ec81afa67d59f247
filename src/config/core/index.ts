/** All options of the core by name: reading a name that is not here does not compile. */
import { accessOptions } from './access.js';
import { bounceOptions } from './bounce.js';
import { clusterScopedOptions } from './cluster.js';
import { daemonOptions } from './daemon.js';
import { dnsOptions } from './dns.js';
import { limitOptions } from './limits.js';
import { listenerOptions } from './listener.js';
import { loggingOptions } from './logging.js';
import { ourOptions } from './ours.js';
import { pathwayOptions } from './pathway.js';
import { queueOptions } from './queue.js';
import { receptionOptions } from './reception.js';
import { routingOptions } from './routing.js';
import { spoolOptions } from './spool.js';
import { threadOptions } from './threads.js';
import { timerOptions } from './timers.js';
import { tlsOptions } from './tls.js';

/** The areas in the order of the manual, for documents. */
export const areas = {
  Pathways: pathwayOptions,
  Listeners: listenerOptions,
  Reception: receptionOptions,
  'Relay, authentication, authorization': accessOptions,
  'Routing and delivery': routingOptions,
  'Name service': dnsOptions,
  'Queue and retry': queueOptions,
  'Limits and throttles': limitOptions,
  Timers: timerOptions,
  Encryption: tlsOptions,
  'Bounces and notices': bounceOptions,
  Logs: loggingOptions,
  'Spool, memory, caches': spoolOptions,
  Threads: threadOptions,
  'Process, configuration, console': daemonOptions,
  Cluster: clusterScopedOptions,
  'Only here': ourOptions,
} as const;

export const core = Object.freeze({
  ...pathwayOptions,
  ...listenerOptions,
  ...receptionOptions,
  ...accessOptions,
  ...routingOptions,
  ...dnsOptions,
  ...queueOptions,
  ...limitOptions,
  ...timerOptions,
  ...tlsOptions,
  ...bounceOptions,
  ...loggingOptions,
  ...spoolOptions,
  ...threadOptions,
  ...daemonOptions,
  ...clusterScopedOptions,
  ...ourOptions,
});

export type Core = typeof core;
export type CoreName = keyof Core;
