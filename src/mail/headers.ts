/**
 * A header block over its octets: fields with CRLF each, then the empty line. It is read only when somebody looks into it;
 * untouched, it gives back the very same Buffer.
 */

/** One field as it stands, its CRLF and folds included. */
export interface Field {
  /** Lower case. */
  readonly name: string;
  readonly raw: Buffer;
}

const CRLF = '\r\n';
const COLON = 0x3a;
const LF = 0x0a;
const CR = 0x0d;
const FIELD_NAME = /^[!-9;-~]+$/;

export class Headers {
  #block: Buffer;
  #fields: Field[] | undefined;
  #changed = false;
  /** Fields put on top before anybody read the block. */
  #onTop = '';

  /** `block` ends with the empty line, or is empty. */
  constructor(block: Buffer) {
    this.#block = block;
  }

  /** The octets; the same Buffer as long as nothing changed. */
  bytes(): Buffer {
    if (!this.#changed) return this.#block;
    const end = Buffer.from(CRLF, 'latin1');
    this.#block = this.#fields
      ? Buffer.concat([...this.#fields.map(({ raw }) => raw), end])
      : Buffer.concat([Buffer.from(this.#onTop, 'utf8'), this.#block.length === 0 ? end : this.#block]);
    this.#onTop = '';
    this.#changed = false;
    return this.#block;
  }

  /** All fields in order, for canonical forms and filters. */
  fields(): readonly Field[] {
    return this.#read();
  }

  /** Value of the first field of that name, unfolded, without the blanks around it. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    const field = this.#read().find((f) => f.name === wanted);
    return field && readValue(field);
  }

  has(name: string): boolean {
    const wanted = name.toLowerCase();
    return this.#read().some((f) => f.name === wanted);
  }

  /** Values of all fields of that name, top first. */
  all(name: string): readonly string[] {
    const wanted = name.toLowerCase();
    return this.#read()
      .filter((f) => f.name === wanted)
      .map(readValue);
  }

  /** Puts a field on top. A value may be folded (CRLF and a blank); any other line end in it becomes a blank. */
  prepend(name: string, value: string): void {
    const raw = formatField(name, value);
    if (this.#fields) this.#fields.unshift(fieldOf(raw));
    else this.#onTop = raw + this.#onTop;
    this.#changed = true;
  }

  /** Puts a field at the bottom. */
  append(name: string, value: string): void {
    this.#read().push(fieldOf(formatField(name, value)));
    this.#changed = true;
  }

  /** Replaces the first field of that name and removes the others; appends when there is none. */
  replace(name: string, value: string): void {
    const fields = this.#read();
    const wanted = name.toLowerCase();
    const at = fields.findIndex((f) => f.name === wanted);
    if (at < 0) {
      this.append(name, value);
      return;
    }
    this.#fields = fields.filter((f, i) => f.name !== wanted || i === at);
    this.#fields[at] = fieldOf(formatField(name, value));
    this.#changed = true;
  }

  /** Removes all fields of that name. */
  remove(name: string): void {
    const wanted = name.toLowerCase();
    const fields = this.#read();
    const kept = fields.filter((f) => f.name !== wanted);
    if (kept.length === fields.length) return;
    this.#fields = kept;
    this.#changed = true;
  }

  /** Headers of their own over the same octets. */
  clone(): Headers {
    return new Headers(this.bytes());
  }

  #read(): Field[] {
    this.#fields ??= splitFields(this.bytes());
    return this.#fields;
  }
}

/** Fields of a block, folds included; a line that is neither field nor fold stands alone, without a name. */
function splitFields(block: Buffer): Field[] {
  const fields: Field[] = [];
  let start = 0;
  while (start < block.length) {
    if (block[start] === CR && block[start + 1] === LF) break;
    let end = endOfLine(block, start);
    while (end < block.length && (block[end] === 0x20 || block[end] === 0x09)) end = endOfLine(block, end);
    fields.push(fieldOfBytes(block.subarray(start, end)));
    start = end;
  }
  return fields;
}

function endOfLine(block: Buffer, from: number): number {
  const at = block.indexOf(LF, from);
  return at < 0 ? block.length : at + 1;
}

function fieldOfBytes(raw: Buffer): Field {
  const colon = raw.indexOf(COLON);
  const name = colon < 0 ? '' : raw.toString('latin1', 0, colon).trimEnd().toLowerCase();
  return { name: FIELD_NAME.test(name) ? name : '', raw };
}

const fieldOf = (text: string): Field => fieldOfBytes(Buffer.from(text, 'utf8'));

/** The value of a field on one line. */
const readValue = ({ raw }: Field): string => {
  const colon = raw.indexOf(COLON);
  return raw
    .toString('utf8', colon + 1)
    .replace(/\r?\n(?=[ \t])/g, '')
    .trim();
};

/** Line ends that are no folds, and NUL, which no header may carry. */
const UNWANTED = /\r\n(?![ \t])|\r(?!\n)|(?<!\r)\n|\0/g;

/** `Name: value` with CRLF. Throws TypeError for a name that cannot be one: it would come from a bug, not from a peer. */
export function formatField(name: string, value: string): string {
  if (!FIELD_NAME.test(name)) throw new TypeError(`"${name}" is no field name`);
  return `${name}: ${value.replace(UNWANTED, ' ').trimEnd()}${CRLF}`;
}
