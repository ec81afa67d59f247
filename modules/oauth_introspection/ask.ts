/** One question to an introspection endpoint (RFC 7662 2.1): a POST with the token, never redirected, its answer bounded. */
import http from 'node:http';
import https from 'node:https';

const MOST_BYTES = 65_536;

export interface Endpoint {
  readonly url: URL;
  readonly agent: http.Agent;
  /** `id:secret` as RFC 6749 2.3.1 writes them; undefined where the endpoint wants none. */
  readonly credentials: string | undefined;
}

/** Connections to one endpoint, `most` at once; who comes later waits. */
export function openAgent(url: URL, most: number, ca: string | undefined): http.Agent {
  const terms = { keepAlive: true, maxSockets: most, timeout: 60_000 };
  return url.protocol === 'https:'
    ? new https.Agent({ ...terms, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) })
    : new http.Agent(terms);
}

/** The text of a 200. Rejects with an Error whose words hold nothing of the token, nor of what the endpoint said. */
export function introspect({ url, agent, credentials }: Endpoint, token: string, signal: AbortSignal): Promise<string> {
  const form = Buffer.from(new URLSearchParams({ token, token_type_hint: 'access_token' }).toString());
  return new Promise((done, fail) => {
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method: 'POST',
      agent,
      signal,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': form.length,
        accept: 'application/json',
        'user-agent': 'celeris',
        ...(credentials !== undefined && { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
      },
    });
    const giveUp = (why: string): void => {
      fail(new Error(why));
      request.destroy();
    };
    request.on('error', fail);
    request.on('response', (response) => {
      if (response.statusCode !== 200) return giveUp(`status ${response.statusCode ?? 0}`);
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MOST_BYTES) return giveUp('an answer without end');
        chunks.push(chunk);
      });
      response.on('end', () => done(Buffer.concat(chunks).toString('utf8')));
      response.on('error', fail);
    });
    request.end(form);
  });
}
