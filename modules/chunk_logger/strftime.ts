/** Time as strftime(3) writes it in the C locale, in the time zone of the process; a format is read once. Pure. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const DAY_MS = 86_400_000;

const pad = (n: number, width = 2, filler = '0'): string => String(n).padStart(width, filler);
const nameIn = (names: readonly string[], index: number): string => names[index] ?? '';

/** Days since the first of January. */
const dayOfYear = (t: Date): number =>
  Math.round((Date.UTC(t.getFullYear(), t.getMonth(), t.getDate()) - Date.UTC(t.getFullYear(), 0, 1)) / DAY_MS);

const hourOfTwelve = (t: Date): number => t.getHours() % 12 || 12;

/** Year and number of the ISO 8601 week: the one that holds this week's Thursday. */
function isoWeekOf(t: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(Date.UTC(t.getFullYear(), t.getMonth(), t.getDate() + 4 - (t.getDay() || 7)));
  const year = thursday.getUTCFullYear();
  return { year, week: 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) };
}

function formatOffset(t: Date): string {
  const minutes = -t.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${pad(size % 60)}`;
}

const nameZone = (t: Date): string =>
  new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(t).find(({ type }) => type === 'timeZoneName')?.value ?? '';

const LETTERS: Readonly<Record<string, (t: Date) => string>> = {
  a: (t) => nameIn(DAYS, t.getDay()).slice(0, 3),
  A: (t) => nameIn(DAYS, t.getDay()),
  b: (t) => nameIn(MONTHS, t.getMonth()).slice(0, 3),
  B: (t) => nameIn(MONTHS, t.getMonth()),
  C: (t) => pad(Math.floor(t.getFullYear() / 100)),
  d: (t) => pad(t.getDate()),
  e: (t) => pad(t.getDate(), 2, ' '),
  G: (t) => String(isoWeekOf(t).year),
  g: (t) => pad(isoWeekOf(t).year % 100),
  H: (t) => pad(t.getHours()),
  I: (t) => pad(hourOfTwelve(t)),
  j: (t) => pad(dayOfYear(t) + 1, 3),
  k: (t) => pad(t.getHours(), 2, ' '),
  l: (t) => pad(hourOfTwelve(t), 2, ' '),
  m: (t) => pad(t.getMonth() + 1),
  M: (t) => pad(t.getMinutes()),
  n: () => '\n',
  p: (t) => (t.getHours() < 12 ? 'AM' : 'PM'),
  P: (t) => (t.getHours() < 12 ? 'am' : 'pm'),
  s: (t) => String(Math.floor(t.getTime() / 1000)),
  S: (t) => pad(t.getSeconds()),
  t: () => '\t',
  u: (t) => String(t.getDay() || 7),
  U: (t) => pad(Math.floor((dayOfYear(t) + 7 - t.getDay()) / 7)),
  V: (t) => pad(isoWeekOf(t).week),
  w: (t) => String(t.getDay()),
  W: (t) => pad(Math.floor((dayOfYear(t) + 7 - ((t.getDay() + 6) % 7)) / 7)),
  y: (t) => pad(t.getFullYear() % 100),
  Y: (t) => String(t.getFullYear()),
  z: formatOffset,
  Z: nameZone,
  '%': () => '%',
};

/** Letters that stand for several. */
const SHORTHANDS: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  h: '%b',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
};

/** E and O ask for other numerals, which the C locale does not have. */
const CONVERSION = /%[EO]?([\s\S]?)/g;

/** Says what is wrong with a format; undefined when nothing is. */
export function findFormatFault(format: string): string | undefined {
  for (const [written, letter = ''] of format.matchAll(CONVERSION)) {
    if (!Object.hasOwn(LETTERS, letter) && !Object.hasOwn(SHORTHANDS, letter)) return `strftime knows no "${written}".`;
  }
  return undefined;
}

/** Reads a format: what it answers writes wall milliseconds that way. An unknown conversion stays as it was written. */
export function compileTime(format: string): (ms: number) => string {
  const parts: (string | ((t: Date) => string))[] = [];
  const plain = format.replace(CONVERSION, (written, letter: string) => SHORTHANDS[letter] ?? written);
  let at = 0;
  for (const found of plain.matchAll(CONVERSION)) {
    parts.push(plain.slice(at, found.index), LETTERS[found[1] ?? ''] ?? found[0]);
    at = found.index + found[0].length;
  }
  parts.push(plain.slice(at));
  // No conversion is finer than a second, and many texts come in one.
  let lastSecond = Number.NaN;
  let last = '';
  return (ms) => {
    const second = Math.floor(ms / 1000);
    if (second === lastSecond) return last;
    lastSecond = second;
    const time = new Date(second * 1000);
    last = parts.map((part) => (typeof part === 'string' ? part : part(time))).join('');
    return last;
  };
}
