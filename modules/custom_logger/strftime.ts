/** Times in the formats of strftime (POSIX, C locale), compiled once. Long: it is a table. */

type Part = string | ((time: Date) => string);

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
const DAY_MS = 86_400_000;

const padded = (n: number, width = 2, fill = '0'): string => String(n).padStart(width, fill);
const dayName = (time: Date): string => DAYS[time.getDay()] ?? '';
const monthName = (time: Date): string => MONTHS[time.getMonth()] ?? '';
/** The day as a number of UTC, so that summer time does not shorten one. */
const dayNumber = (time: Date): number => Date.UTC(time.getFullYear(), time.getMonth(), time.getDate());
const dayOfYear = (time: Date): number => Math.round((dayNumber(time) - Date.UTC(time.getFullYear(), 0, 1)) / DAY_MS);
const weekday = (time: Date): number => time.getDay() || 7;
const hour12 = (time: Date): number => time.getHours() % 12 || 12;

/** Year and week of ISO 8601: those of the week's Thursday. */
function isoWeek(time: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(dayNumber(time) + (4 - weekday(time)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  return { year, week: 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) };
}

function offset(time: Date): string {
  const minutes = -time.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${padded(Math.floor(size / 60))}${padded(size % 60)}`;
}

const zoneName = (time: Date): string =>
  new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';

const SIMPLE: Readonly<Record<string, (time: Date) => string>> = {
  a: (time) => dayName(time).slice(0, 3),
  A: dayName,
  b: (time) => monthName(time).slice(0, 3),
  h: (time) => monthName(time).slice(0, 3),
  B: monthName,
  C: (time) => padded(Math.floor(time.getFullYear() / 100)),
  d: (time) => padded(time.getDate()),
  e: (time) => padded(time.getDate(), 2, ' '),
  g: (time) => padded(isoWeek(time).year % 100),
  G: (time) => String(isoWeek(time).year),
  H: (time) => padded(time.getHours()),
  I: (time) => padded(hour12(time)),
  j: (time) => padded(dayOfYear(time) + 1, 3),
  k: (time) => padded(time.getHours(), 2, ' '),
  l: (time) => padded(hour12(time), 2, ' '),
  m: (time) => padded(time.getMonth() + 1),
  M: (time) => padded(time.getMinutes()),
  n: () => '\n',
  p: (time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  P: (time) => (time.getHours() < 12 ? 'am' : 'pm'),
  s: (time) => String(Math.floor(time.getTime() / 1000)),
  S: (time) => padded(time.getSeconds()),
  t: () => '\t',
  u: (time) => String(weekday(time)),
  U: (time) => padded(Math.floor((dayOfYear(time) + 7 - time.getDay()) / 7)),
  V: (time) => padded(isoWeek(time).week),
  w: (time) => String(time.getDay()),
  W: (time) => padded(Math.floor((dayOfYear(time) + 8 - weekday(time)) / 7)),
  y: (time) => padded(time.getFullYear() % 100),
  Y: (time) => String(time.getFullYear()),
  z: offset,
  Z: zoneName,
  '%': () => '%',
};

/** What stands for several others. */
const COMBINED: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
};

/** Compiles a format; the answer takes wall milliseconds and remembers its last second. What is wrong comes back as `say`. */
export function readStrftime(format: string): { readonly fill: (ms: number) => string } | { readonly say: string } {
  const parts: Part[] = [];
  const whole = format.replace(/%([cDFrRTxX])/g, (_, letter: string) => COMBINED[letter] ?? '');
  for (let at = 0; at < whole.length; at++) {
    const char = whole.charAt(at);
    if (char !== '%') {
      parts.push(char);
      continue;
    }
    const letter = whole.charAt(++at);
    const part = Object.hasOwn(SIMPLE, letter) ? SIMPLE[letter] : undefined;
    if (!part) return { say: letter === '' ? 'a time format ends with %' : `%${letter} is no part of a time format` };
    parts.push(part);
  }
  let lastSecond = Number.NaN;
  let last = '';
  return {
    fill(ms) {
      const second = Math.floor(ms / 1000);
      if (second === lastSecond) return last;
      const time = new Date(second * 1000);
      last = parts.map((part) => (typeof part === 'string' ? part : part(time))).join('');
      lastSecond = second;
      return last;
    },
  };
}
