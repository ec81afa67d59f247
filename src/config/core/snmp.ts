/** Core options, area P: SNMP. */
import { opt } from '../opt.js';

const restart = { reload: 'restart' } as const;

/** What `snmp` holds. */
export const snmpOptions = {
  address: opt.address({
    doc: 'Where the agent listens.',
    default: { kind: 'tcp', host: '127.0.0.1', port: 8162 },
    port: 8162,
    ...restart,
  }),
  community: opt.string({ doc: 'Community that may ask.', default: 'public', effect: 'restricts', ...restart }),
  state: opt.bool({ doc: 'Switches the agent on.', default: true, ...restart }),
  syscontact: opt.string({ doc: 'Whom to call (sysContact).', ...restart }),
  sysdescription: opt.string({ doc: 'What this is (sysDescr).', ...restart }),
  syslocation: opt.string({ doc: 'Where it stands (sysLocation).', ...restart }),
};

/** What `snmp_traps` holds. */
export const trapOptions = {
  state: opt.bool({ doc: 'Switches traps on.', default: false, ...restart }),
  trap_interval: opt.seconds({ doc: 'How often a trap is repeated while its cause lasts.', default: 60, min: 1, ...restart }),
  watch_interval: opt.seconds({ doc: 'How often the watched values are looked at.', default: 10, min: 1, ...restart }),
  watch_variables: opt.map({
    doc: 'Thresholds of the watched values.',
    keys: ['GlobalMailQueue', 'ActiveQueue', 'DelayedQueue', 'FailedMessages'],
    ...restart,
  }),
};

/** What `destination "ip:port"` holds, within `snmp_traps`. */
export const trapDestinationOptions = {
  community: opt.string({ doc: 'Community the trap is sent with.', default: 'public', ...restart }),
};
