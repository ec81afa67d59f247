/** The console's wire format: a 4-byte length (big endian), then that many bytes of JSON. */

/** Nobody types more than this. */
export const MAX_REQUEST_BYTES = 1 << 20;
/** A list of a million messages is asked for in pages. */
export const MAX_ANSWER_BYTES = 64 << 20;

export interface Request {
  readonly id: number;
  readonly command: string;
  /** Answer with data in place of text. */
  readonly json: boolean;
}

export interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly text?: string;
  readonly data?: unknown;
}

export function encodeFrame(message: Request | Answer): Buffer {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** Puts frames together from chunks. `push` throws when a frame is larger than allowed or no JSON object. */
export class FrameReader {
  readonly #limit: number;
  #held: Buffer = Buffer.alloc(0);

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  push(chunk: Buffer): readonly unknown[] {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const frames: unknown[] = [];
    while (this.#held.length >= 4) {
      const length = this.#held.readUInt32BE(0);
      if (length > this.#limit) throw new RangeError(`a frame of ${length} bytes is larger than ${this.#limit}`);
      if (this.#held.length < 4 + length) break;
      frames.push(JSON.parse(this.#held.toString('utf8', 4, 4 + length)));
      this.#held = this.#held.subarray(4 + length);
    }
    return frames;
  }
}

/** What a peer sent, as a request; undefined when it is none. */
export function asRequest(frame: unknown): Request | undefined {
  const f = frame as Partial<Record<keyof Request, unknown>> | null;
  if (f === null || typeof f !== 'object' || typeof f.id !== 'number' || typeof f.command !== 'string') return undefined;
  return { id: f.id, command: f.command, json: f.json === true };
}

/** What the daemon sent, as an answer; undefined when it is none. */
export function asAnswer(frame: unknown): Answer | undefined {
  const f = frame as Partial<Record<keyof Answer, unknown>> | null;
  if (f === null || typeof f !== 'object' || typeof f.id !== 'number' || typeof f.ok !== 'boolean') return undefined;
  return { id: f.id, ok: f.ok, ...(typeof f.text === 'string' && { text: f.text }), ...('data' in f && { data: f.data }) };
}
