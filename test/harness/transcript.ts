/**
 * Plays a dialogue written as text against a server. A line each:
 *   S: 250 ok          the next line the server says; `...` stands for any text
 *   S: 250-*           any number of lines that begin with 250- (none, too)
 *   S: (closed)        the server ends the connection
 *   C: MAIL FROM:<a@b> we send it with CRLF; several in a row go out together
 *   R: a\nb\0          we send it as it is, with \r \n \0 \t \\ \xHH
 *   TLS                we shake hands; after `S: 220 ...` to STARTTLS
 *   WAIT 50            milliseconds
 *   # remark           and empty lines say nothing; `{name}` is replaced by what `variables` holds
 */
import { RawClient } from './client.js';

export interface TranscriptOptions {
  readonly host?: string;
  readonly timeoutMs?: number;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Plays it; rejects at the first line that comes out differently, with its number and the dialogue so far. Resolves to all the server said. */
export async function playTranscript(port: number, text: string, options: TranscriptOptions = {}): Promise<string> {
  const client = await RawClient.connect(port, {
    ...(options.host !== undefined && { host: options.host }),
    timeoutMs: options.timeoutMs ?? 5000,
  });
  const dialogue: string[] = [];
  const lines = text.split('\n').map((line) => line.trim());
  let pending: string | undefined;

  const next = async (): Promise<string | undefined> => {
    const line = pending ?? (await client.readLine());
    pending = undefined;
    return line;
  };

  try {
    for (const [index, written] of lines.entries()) {
      const line = fillIn(written, options.variables ?? {});
      const wrong = (heard: string): Error => new Error(`line ${index + 1}: expected "${line}", heard ${heard}\n${dialogue.join('\n')}`);
      if (line === '' || line.startsWith('#')) continue;
      if (line.startsWith('C:')) client.line(line.slice(3));
      else if (line.startsWith('R:')) client.send(decodeEscapes(line.slice(3)));
      else if (line === 'TLS') await client.startTls();
      else if (line.startsWith('WAIT ')) await new Promise((resolve) => setTimeout(resolve, Number(line.slice(5))));
      else if (line === 'S: (closed)') {
        const heard = await next();
        if (heard !== undefined) throw wrong(`"${heard}"`);
      } else if (/^S: \d{3}-\*$/.test(line)) {
        const start = line.slice(3, 7);
        for (;;) {
          const heard = await next();
          if (heard?.startsWith(start)) dialogue.push(`S: ${heard}`);
          else {
            pending = heard;
            break;
          }
        }
      } else if (line.startsWith('S:')) {
        const heard = await next();
        if (heard === undefined) throw wrong('the end of the connection');
        if (!patternOf(line.slice(3)).test(heard)) throw wrong(`"${heard}"`);
        dialogue.push(`S: ${heard}`);
        continue;
      } else throw new Error(`line ${index + 1}: "${line}" is no line of a transcript`);
      if (!line.startsWith('S:')) dialogue.push(line);
    }
    return client.heard;
  } finally {
    client.close();
  }
}

const fillIn = (line: string, variables: Readonly<Record<string, string>>): string =>
  line.replace(/\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole);

const patternOf = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('...')
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*')}$`,
  );

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };

const decodeEscapes = (text: string): string =>
  text.replace(/\\(?:x([\dA-Fa-f]{2})|(.))/g, (whole, hex: string | undefined, letter: string | undefined) =>
    hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : (ESCAPES[letter ?? ''] ?? whole),
  );
