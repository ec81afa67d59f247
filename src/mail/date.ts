/** Dates as mail writes them (RFC 5322 3.3). */

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (n: number): string => (n < 10 ? `0${n}` : String(n));

/** `Mon, 23 Nov 2026 00:10:00 +0000`. `offsetMinutes` is what local time is ahead of UTC. */
export function formatDate(ms: number, offsetMinutes = 0): string {
  const t = new Date(ms + offsetMinutes * 60_000);
  const ahead = Math.abs(offsetMinutes);
  const zone = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(ahead / 60))}${two(ahead % 60)}`;
  return `${DAYS[t.getUTCDay()]}, ${two(t.getUTCDate())} ${MONTHS[t.getUTCMonth()]} ${t.getUTCFullYear()} ${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())} ${zone}`;
}

/** Formats dates for one zone and remembers the last second. */
export class DateFormat {
  readonly #offset: number;
  #second = Number.NaN;
  #text = '';

  constructor(offsetMinutes = 0) {
    this.#offset = offsetMinutes;
  }

  format(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = formatDate(ms, this.#offset);
    }
    return this.#text;
  }
}
