/** Certificates for tests: a root, an authority below it, and hosts' certificates of all qualities, made by openssl. */
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** Certificate with the chain up to the root. */
  readonly chain: string;
}

export interface HostWishes {
  /** Dates as openssl ca writes them, e.g. 20200101000000Z. */
  readonly from?: string;
  readonly to?: string;
}

/** One authority with a folder; `end` removes it. */
export class Authority {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-ca-'));
  readonly root: Identity;
  #serial = 0;

  constructor() {
    fs.chmodSync(this.folder, 0o755);
    const [cert, key] = [this.#at('root.pem'), this.#at('root.key')];
    run(
      'req',
      '-x509',
      '-subj',
      '/CN=Test Root',
      '-days',
      '30',
      ...KEY,
      '-keyout',
      key,
      '-out',
      cert,
      '-addext',
      'basicConstraints=critical,CA:TRUE',
    );
    this.root = { cert, key, chain: cert };
    fs.writeFileSync(
      this.#at('ca.conf'),
      `[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=${this.folder}\ndatabase=${this.#at('index')}\nrand_serial=yes\ndefault_md=sha256\nunique_subject=no\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n`,
    );
    fs.writeFileSync(this.#at('index'), '');
  }

  /** A certificate for a name, signed by the root. */
  issue(name: string, { from, to }: HostWishes = {}): Identity {
    const base = `${++this.#serial}-${name.replace('*', 'star')}`;
    const [request, cert, key, chain] = ['csr', 'pem', 'key', 'chain'].map((end) => this.#at(`${base}.${end}`)) as [
      string,
      string,
      string,
      string,
    ];
    run('req', '-new', '-subj', `/CN=${name}`, ...KEY, '-keyout', key, '-out', request, '-addext', `subjectAltName=DNS:${name}`);
    const dates = [...(from ? ['-startdate', from] : []), ...(to ? ['-enddate', to] : ['-days', '20'])];
    run(
      'ca',
      '-batch',
      '-notext',
      '-config',
      this.#at('ca.conf'),
      '-cert',
      this.root.cert,
      '-keyfile',
      this.root.key,
      '-in',
      request,
      '-out',
      cert,
      ...dates,
    );
    fs.writeFileSync(chain, fs.readFileSync(cert, 'utf8') + fs.readFileSync(this.root.cert, 'utf8'));
    return { cert, key, chain };
  }

  end(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  #at(name: string): string {
    return path.join(this.folder, name);
  }
}

/** SHA-256 of a certificate's public key, as TLSA records with selector 1 and matching 1 hold it. */
export function keyDigest({ cert }: Identity): Buffer {
  const spki = new X509Certificate(fs.readFileSync(cert)).publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest();
}

const KEY = ['-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] as const;
const run = (...words: string[]): void => void execFileSync('openssl', words, { stdio: 'pipe' });
