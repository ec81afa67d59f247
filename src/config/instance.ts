/** Reads the name of a scope's stanza in the form its kind wants. */
import { type Cidr, parseCidr } from '../kernel/cidr.js';
import { compilePattern } from './kinds/net.js';
import { OptionError } from './option.js';
import { parseSocketAddress, printSocketAddress, type SocketAddress } from './socket-address.js';
import type { ScopeKind } from './stanzas.js';
import { patternOf, type Scalar } from './tree.js';

/** A name that was read: in its one spelling, and what it means. */
export interface Instance {
  readonly name: string;
  readonly pattern?: RegExp;
  readonly network?: Cidr;
  readonly address?: SocketAddress;
}

/** Ports of listeners whose socket names none. */
const PORTS: Readonly<Record<string, number>> = {
  esmtp_listener: 25,
  http_listener: 8081,
  ecstream_listener: 1825,
  control_listener: 2025,
  msgcserver_listener: 4809,
};

/** Reads a name. Throws OptionError. `parent` is the kind of the stanza around it. */
export function readInstance(scalar: Pick<Scalar, 'kind' | 'text'>, form: ScopeKind['form'], parent: string): Instance {
  const { text } = scalar;
  if (text === '') throw new OptionError('The name is empty.');
  switch (form) {
    case 'pattern': {
      const pattern = patternOf(scalar);
      if (pattern === undefined) return { name: text.toLowerCase() };
      return { name: `/${pattern}/`, pattern: compilePattern(`/${pattern}/`) };
    }
    case 'network': {
      const network = parseCidr(text);
      if (!network)
        throw new OptionError(`"${text}" is neither an address nor a network.`, {
          hint: 'Write an address or a network such as 10.0.0.0/8.',
        });
      return { name: text, network };
    }
    case 'socket': {
      const address = parseSocketAddress(text, PORTS[parent]);
      if (typeof address === 'string') throw new OptionError(address);
      return { name: printSocketAddress(address), address };
    }
    case 'name':
      if (/[\s:]/.test(text))
        throw new OptionError(`The name "${text}" holds a ${text.includes(':') ? 'colon' : 'blank'}.`, {
          hint: 'Names have neither blanks nor colons.',
        });
      return { name: text };
  }
}
