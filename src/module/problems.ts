/** What can go wrong with modules, in words for operators. */
import { declareProblems } from '../kernel/problems.js';

export const problems = declareProblems('module', {
  ASYNC_TELL: {
    text: 'module %s registers an async handler for the hook %s, which only listens',
    doc: 'A listener must not be async: it would hold the message back. The module has to start its work and return.',
  },
  REFUSED: {
    text: 'module %s does not start: %s',
    doc: 'The module looked at its options or surroundings and refused to run; its words say why.',
  },
  FAILED: {
    text: 'module %s failed while starting',
    doc: 'The module threw an error in register; the cause is in the log. This is a bug of the module.',
  },
  NO_SERVICE: {
    text: 'module %s needs the service %s of %s, which does not run',
    doc: 'Another module must stand in the configuration before this one can work.',
  },
  OFFER_UNDECLARED: {
    text: 'module %s offers %s "%s" without declaring it',
    doc: 'Offers are declared in the manifest so that they can be found before the module runs.',
  },
  NEEDS: { text: 'module %s needs module %s, which is not in the configuration', doc: 'Add a stanza for the module that is named.' },
  LATE: {
    text: 'module %s did not start within %s s',
    doc: 'A module has 30 seconds to start; it waits for something that does not come.',
  },
});
