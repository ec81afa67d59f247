/** The whole matrix, in the order of the table. The slow cases of `commands` stand where the runner begins with them. */
import type { ProbeCase } from '../case.js';
import { auth } from './auth.js';
import { chunks } from './chunks.js';
import { commands } from './commands.js';
import { content } from './content.js';
import { disclosure } from './disclosure.js';
import { endOfData } from './end-of-data.js';
import { envelope } from './envelope.js';
import { pipelining } from './pipelining.js';
import { size } from './size.js';
import { starttls } from './starttls.js';
import { strangers } from './strangers.js';

export const matrix: readonly ProbeCase[] = [
  ...commands,
  ...endOfData,
  ...starttls,
  ...chunks,
  ...pipelining,
  ...envelope,
  ...size,
  ...auth,
  ...strangers,
  ...content,
  ...disclosure,
];
