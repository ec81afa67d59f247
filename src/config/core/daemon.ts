/** Core options, area O: the process, its configuration, the console. */
import { opt } from '../opt.js';
import { G } from '../scopes.js';

export const daemonOptions = {
  control_client_timeout: opt.seconds({ doc: 'How long our own console connections may be silent.', default: 60, scopes: G }),
  license: opt.path({ doc: 'Folder of licences.', reload: 'restart', effect: 'never', differs: 'Celeris asks for none.', scopes: G }),
  local_changes_file: opt.path({
    doc: 'File that is read after all others, so that it always wins; console edits are written there.',
    differs: 'Momentum has a path built in; here it is unset.',
    scopes: G,
  }),
  local_changes_only: opt.bool({
    doc: 'Write all console edits to that file.',
    default: false,
    effect: 'restricts',
    loose: [false],
    scopes: G,
  }),
  pidfile: opt.path({
    doc: 'File with the number of the process; unset writes none.',
    differs: 'Momentum writes /var/run/ecelerity.pid.',
    reload: 'restart',
    scopes: G,
  }),
  watchdog_interval: opt.seconds({
    doc: 'A worker that gives no sign of life for this long is ended and started anew; 0 = never.',
    default: 20,
    differs: 'Momentum waits for 60 seconds.',
    effect: 'restricts',
    loose: [0],
    scopes: G,
  }),
};

const restricts = { effect: 'restricts', reload: 'restart' } as const;

/** What `security` holds. */
export const securityOptions = {
  capabilities: opt.string({
    doc: 'Capabilities that are kept, as cap_net_bind_service+ep. Refused: the process cannot set them itself.',
    check: () =>
      'A process of Node cannot set its capabilities. Write AmbientCapabilities= and CapabilityBoundingSet= into the systemd unit.',
    effect: 'never',
    reload: 'restart',
  }),
  chroot: opt.path({
    doc: 'Folder that becomes the root. Refused: the process cannot change its root itself.',
    check: () => 'A process of Node cannot change its root. Write RootDirectory= into the systemd unit.',
    effect: 'never',
    reload: 'restart',
  }),
  group: opt.string({ doc: 'Group the workers run as.', default: 'ecuser', ...restricts }),
  privileges: opt.string({
    doc: 'Privileges that are kept on Solaris.',
    effect: 'never',
    differs: 'Celeris does not run on Solaris.',
    reload: 'restart',
  }),
  supplemental_groups: opt.strings({ doc: 'Further groups the workers are in, by name or number.', ...restricts }),
  user: opt.string({ doc: 'User the workers run as.', default: 'ecuser', ...restricts }),
};

/** What `role NAME` holds, within `authorization`. */
export const roleOptions = {
  allow: opt.regexes({ doc: 'Console commands the role may run.', required: true, effect: 'restricts' }),
};
