/** What to say of an option that nothing in this build reads. */
import type { Complaint } from './complaints.js';
import { GlobSet } from './glob.js';
import { Networks } from './networks.js';
import type { Option } from './option.js';

/** True when the value promises nothing: one the declaration calls loose, no limit at all, or an empty list. */
function promisesNothing(option: Option<unknown>, value: unknown): boolean {
  if (option.loose.includes(value) || value === 'none') return true;
  if (Array.isArray(value)) return value.length === 0;
  return (value instanceof Networks || value instanceof GlobSet) && value.size === 0;
}

/** What holds for a setting of an option without a reader. */
export function judgeUnread(name: string, option: Option<unknown>, value: unknown): Complaint {
  if (option.effect === 'never')
    return {
      name: 'MEANINGLESS',
      severity: 'notice',
      say: `"${name}" is meaningless here: it has no effect and never will.`,
      hint: option.differs,
    };
  if (option.effect === 'restricts' && !promisesNothing(option, value)) {
    return {
      name: 'NOT_ENFORCED',
      severity: 'error',
      say: `"${name}" is not enforced by this build: refusing what would be a false promise.`,
    };
  }
  // What restricts and asks for nothing here holds as it is written.
  const say =
    option.effect === 'restricts'
      ? 'is not known to this build yet, and asks for nothing with this value'
      : 'has no effect in this build yet';
  return { name: 'NOT_READ', severity: 'notice', say: `"${name}" ${say}.` };
}
