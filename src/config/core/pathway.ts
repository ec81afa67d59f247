/** Core options, area A: what belongs to the structure of scopes itself. */
import { opt } from '../opt.js';

export const pathwayOptions = {
  pathway: opt.string({
    doc: 'Name of the pathway whose options apply to clients of this listener, socket or peer.',
    scopes: ['esmtp_listener', 'ecstream_listener', 'listen', 'peer'],
    effect: 'restricts',
  }),
};
