/** Answers as values: nothing that a name server says is ever thrown. */
import type { Answer, Failed } from '../module/names.js';

export type { Answer, Failed, Found, Missing } from '../module/names.js';

/** True for answers that are no answers. */
export const hasFailed = (answer: Answer<unknown>): answer is Failed =>
  answer.kind !== 'found' && answer.kind !== 'nxdomain' && answer.kind !== 'nodata';
