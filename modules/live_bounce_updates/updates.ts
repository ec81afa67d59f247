/** Fetches, checks, installs and puts in force: one bundle at a time, the old one stays until the new one is good. */
import type { KeyObject } from 'node:crypto';
import { BundleError, type BundleManifest, checkFile, LARGEST, MANIFEST, OVERRIDES, openManifest, PACK, SIGNATURE } from './bundle.js';
import type { Source } from './source.js';
import type { Files, Store } from './store.js';

export interface Bundle {
  readonly manifest: BundleManifest;
  readonly files: Files;
  /** Text of the rule pack, when the bundle has one. */
  readonly pack: string | undefined;
}

export interface UpdatePorts {
  readonly source: Source;
  readonly store: Store;
  readonly key: KeyObject;
  /** Versions that are kept behind the one in force. */
  readonly keep: number;
  /** Puts a pack in force; what it answers takes it back. Throws what is wrong with it. */
  adopt(pack: string): () => void;
}

export class Updates {
  readonly #ports: UpdatePorts;
  #version = 0;
  /** The newest stored version when we last looked, good or not. */
  #seen: number | undefined;
  #takeBack: () => void = () => {};

  constructor(ports: UpdatePorts) {
    this.#ports = ports;
  }

  /** Version in force; 0 = the rules that came with Celeris. */
  get version(): number {
    return this.#version;
  }

  /** The newest bundle of the source, checked whole; undefined when its version is the one in force. */
  async fetch(signal: AbortSignal): Promise<Bundle | undefined> {
    const { source, key } = this.#ports;
    const manifestBytes = await source.read(MANIFEST, LARGEST.manifest, signal);
    const signature = await source.read(SIGNATURE, LARGEST.signature, signal);
    const manifest = openManifest(manifestBytes, signature, key);
    if (manifest.version === this.#version) return undefined;
    if (manifest.version < this.#version)
      throw new BundleError(`the source offers version ${manifest.version}, which is older than ${this.#version} in force`);
    const files = new Map([
      [MANIFEST, manifestBytes],
      [SIGNATURE, signature],
    ]);
    for (const file of manifest.files) {
      const bytes = await source.read(file.name, LARGEST.file, signal);
      checkFile(file, bytes);
      files.set(file.name, bytes);
    }
    return { manifest, files, pack: files.get(PACK)?.toString('utf8') };
  }

  /** Puts a bundle in force, then keeps it: a pack that cannot be used is not installed. */
  async install(bundle: Bundle): Promise<void> {
    const { store, keep } = this.#ports;
    const takeBack = this.#adopt(bundle);
    try {
      await store.put(bundle.manifest.version, bundle.files);
      await this.#expose(bundle);
    } catch (error) {
      takeBack();
      throw error;
    }
    this.#replace(bundle.manifest.version, takeBack);
    this.#seen = bundle.manifest.version;
    for (const old of (await store.list()).filter((version) => version !== this.#version).slice(keep)) await store.remove(old);
  }

  /** The newest stored version that is still good; for the start. Answers what was wrong with newer ones. */
  async resume(): Promise<readonly string[]> {
    const wrong: string[] = [];
    const stored = await this.#ports.store.list();
    this.#seen = stored[0];
    for (const version of stored) {
      if (version === this.#version) return wrong;
      try {
        const bundle = await this.#load(version);
        this.#replace(version, this.#adopt(bundle));
        return wrong;
      } catch (error) {
        wrong.push(`version ${version}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return wrong;
  }

  /** Puts in force what another worker stored or took back; answers like `resume`, undefined when nothing is new. */
  async follow(): Promise<readonly string[] | undefined> {
    const [newest] = await this.#ports.store.list();
    return newest === undefined || newest === this.#seen ? undefined : this.resume();
  }

  /** Goes back to the version before the one in force and forgets the newer one. Answers the version that counts now. */
  async rollBack(): Promise<number> {
    const { store } = this.#ports;
    const current = this.#version;
    const before = (await store.list()).find((version) => version < current);
    if (before === undefined) throw new BundleError('there is no older version');
    const bundle = await this.#load(before);
    const takeBack = this.#adopt(bundle);
    await this.#expose(bundle);
    this.#replace(before, takeBack);
    await store.remove(current);
    this.#seen = before;
    return before;
  }

  /** The rules before the first update count again. */
  stop(): void {
    this.#takeBack();
  }

  #adopt({ pack }: Bundle): () => void {
    return pack === undefined ? () => {} : this.#ports.adopt(pack);
  }

  #replace(version: number, takeBack: () => void): void {
    this.#takeBack();
    this.#takeBack = takeBack;
    this.#version = version;
  }

  async #expose({ files }: Bundle): Promise<void> {
    for (const name of OVERRIDES) {
      const bytes = files.get(name);
      if (bytes) await this.#ports.store.expose(name, bytes);
    }
  }

  /** What is on disk is checked as if it had just come. */
  async #load(version: number): Promise<Bundle> {
    const { store, key } = this.#ports;
    const files = new Map<string, Buffer>();
    for (const name of [MANIFEST, SIGNATURE]) files.set(name, await store.read(version, name));
    const manifest = openManifest(await store.read(version, MANIFEST), await store.read(version, SIGNATURE), key);
    if (manifest.version !== version) throw new BundleError(`its manifest is that of version ${manifest.version}`);
    for (const file of manifest.files) {
      const bytes = await store.read(version, file.name);
      checkFile(file, bytes);
      files.set(file.name, bytes);
    }
    return { manifest, files, pack: files.get(PACK)?.toString('utf8') };
  }
}
