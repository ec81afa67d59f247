/** Core options, area N: threads and event loops. */
import { opt } from '../opt.js';
import { G } from '../scopes.js';

const never = { effect: 'never', reload: 'restart' } as const;

export const threadOptions = {
  delivery_pool: opt.string({ doc: 'Name of the event loop for deliveries.', ...never, scopes: G }),
  maintainer_pool: opt.string({ doc: 'Name of the event loop for the upkeep of queues, DNS and modules.', ...never, scopes: G }),
  scheduler: opt.string({ doc: 'The way the system is asked for events.', ...never, scopes: G }),
};

/** What `eventloop NAME` holds. */
export const eventloopOptions = {
  concurrency: opt.int({ doc: 'Number of schedulers in the pool.', default: 0, effect: 'never', reload: 'restart' }),
};

/** What `threadpool NAME` holds. */
export const threadpoolOptions = {
  concurrency: opt.int({ doc: 'Number of threads.', default: 0, effect: 'never' }),
  backlog: opt.int({ doc: 'Jobs that may wait; 0 = no limit.', default: 0, effect: 'never', reload: 'restart' }),
  stack_size: opt.size({ doc: 'Stack of a thread.', default: 0, effect: 'never', reload: 'restart' }),
};
