/** bind_address_secondary: a second source address, of the family that bind_address does not have. */
import { defineModule, opt } from '#module';

const isV6 = (ip: string): boolean => ip.includes(':');

export default defineModule({
  name: 'bind_address_secondary',
  summary: 'A second source address, of the other IP version.',
  autoload: true,
  options: {},
  scoped: {
    bind_address_secondary: opt.ip({
      doc: 'Source address of connections to hosts of its own family, where bind_address is of the other one.',
      effect: 'restricts',
      scopes: ['global', 'binding_group', 'binding'],
    }),
  },
  checkScope({ bind_address_secondary: second }, core) {
    const first = core('bind_address');
    if (second === undefined || typeof first !== 'string' || isV6(first) !== isV6(second)) return [];
    const family = isV6(second) ? 'IPv6' : 'IPv4';
    return [
      { option: 'bind_address_secondary', say: `bind_address_secondary must be of the other family: bind_address is ${family} too.` },
    ];
  },

  register(ctx) {
    ctx.on('sources', (place) => {
      const { bind_address_secondary: second } = ctx.at(place);
      return second === undefined ? undefined : [second];
    });
  },
});
