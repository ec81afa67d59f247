/** The kinds of option, as modules and the core use them: `opt.int({ doc: '…', default: 5, min: 0 })`. */

import { list, map, range, regexes, strings } from './kinds/list.js';
import { cidrs, globs, ip, path, pathOrNone, regex, socket, url } from './kinds/net.js';
import { int, intOr, milliseconds, number, numberOr, octal, percent, seconds, size, throttle } from './kinds/number.js';
import { blank, bool, choice, secret, string } from './kinds/text.js';

export const opt = {
  string,
  blank,
  bool,
  choice,
  secret,
  int,
  intOr,
  number,
  numberOr,
  seconds,
  milliseconds,
  size,
  percent,
  octal,
  permissions: octal,
  throttle,
  ip,
  address: socket,
  cidrs,
  globs,
  path,
  pathOrNone,
  url,
  regex,
  regexes,
  strings,
  list,
  map,
  range,
};
