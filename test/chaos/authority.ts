/** Certificates for tests, made by openssl: one authority, and leaves that are good, expired, or for another name. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Leaf {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export class Authority {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-authority-'));
  /** PEM file of the authority's certificate. */
  readonly file: string;

  constructor() {
    this.file = this.path('ca.crt');
    for (const [name, text] of [
      ['index.txt', ''],
      ['serial', '01\n'],
      ['ca.cnf', CONFIG.replaceAll('FOLDER', this.folder)],
    ] as const)
      fs.writeFileSync(this.path(name), text);
    this.#openssl('req', '-x509', ...NEW_KEY, this.path('ca.key'), '-out', this.file, '-days', '9', '-subj', '/CN=Test Authority');
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  /** A certificate for a name; `expired` ended long ago. */
  issue(name: string, expired = false): Leaf {
    const [key, request, cert] = [this.path(`${name}.key`), this.path(`${name}.csr`), this.path(`${name}-${expired}.crt`)];
    this.#openssl('req', ...NEW_KEY, key, '-out', request, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`);
    const span = expired ? ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'] : ['-days', '2'];
    this.#openssl('ca', '-config', this.path('ca.cnf'), '-batch', '-notext', '-in', request, '-out', cert, ...span);
    return { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  }

  /** A certificate that nobody signed but its own key. */
  selfSigned(name: string): Leaf {
    const [key, cert] = [this.path(`${name}-self.key`), this.path(`${name}-self.crt`)];
    const what = ['-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
    this.#openssl('req', '-x509', ...NEW_KEY, key, '-out', cert, ...what);
    return { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  }

  close(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(...words: string[]): void {
    execFileSync('openssl', words, { stdio: 'pipe', cwd: this.folder });
  }
}

/** RSA, because DHE needs it. */
const NEW_KEY = ['-nodes', '-newkey', 'rsa:2048', '-keyout'];

const CONFIG = `[ca]
default_ca = own
[own]
database = FOLDER/index.txt
serial = FOLDER/serial
new_certs_dir = FOLDER
certificate = FOLDER/ca.crt
private_key = FOLDER/ca.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
`;
