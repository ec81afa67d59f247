/** custom_bounce_logger: the bounce log with one more field, a text of the operator's own. */
import { defineModule, opt } from '#module';
import { keepBounceLog, makeBounceLogOptions } from '../bounce_logger/api.js';
import { readUserString } from './user-string.js';

export default defineModule({
  name: 'custom_bounce_logger',
  summary: "Bounce log with a text of one's own.",
  autoload: true,
  options: {
    ...makeBounceLogOptions('/var/log/ecelerity/bouncelog.cl'),
    user_string: opt.string({
      doc: 'Last field of each line; %{vctx_mess:KEY}, %{vctx_conn:KEY}, %{rcptto_domain} and others are filled in.',
      default: '',
    }),
  },
  check(own) {
    const reading = readUserString(own.user_string);
    return 'say' in reading ? [{ option: 'user_string', say: reading.say }] : [];
  },
  register(ctx) {
    const reading = readUserString(ctx.options.user_string);
    if ('say' in reading) return { option: 'user_string', say: reading.say };
    keepBounceLog(ctx, (line, message) => `${escapeReply(line)}@${reading.fill(message)}`);
    return undefined;
  },
});

/** Fields before the reply. */
const FIELDS_BEFORE = 15;

/** The reply is not the last field here, so an @ in it is escaped; the escaped ones in front of it are passed over. */
function escapeReply(line: string): string {
  let at = -1;
  for (let fields = 0; fields < FIELDS_BEFORE; fields++) {
    do at = line.indexOf('@', at + 1);
    while (at > 0 && line[at - 1] === '\\');
    if (at < 0) return line;
  }
  return line.slice(0, at + 1) + line.slice(at + 1).replaceAll('@', '\\@');
}
