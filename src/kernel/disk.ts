/** The only way to the disk for everything that must survive: small enough that a forgetful stand-in can be written for tests. */

export interface DiskFile {
  readonly path: string;
  /** Appends all bytes at the end, completely, or throws. */
  append(buffers: readonly Uint8Array[]): Promise<void>;
  /** Hands them to the kernel before it returns: a process that dies afterwards has written them. Small records only. */
  appendNow(buffers: readonly Uint8Array[]): void;
  /** Writes all bytes one behind the other from a position, completely, or throws. Not on files opened to append. */
  writeAt(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Fills `into` from `position`; answers how many bytes there were. */
  readAt(into: Uint8Array, position: number): Promise<number>;
  /** fdatasync: when it resolves, every earlier append is on the medium. */
  datasync(): Promise<void>;
  size(): Promise<number>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * `append` creates the file or goes on at its end; `create` fails when it exists; `place` does, too, and is for writes at positions;
 * `read` and `update` fail when it does not exist.
 */
export type OpenMode = 'append' | 'create' | 'place' | 'read' | 'update';

export interface Disk {
  open(path: string, mode: OpenMode, permissions?: number): Promise<DiskFile>;
  /** Names in a folder, without order. */
  list(folder: string): Promise<readonly string[]>;
  /** Makes it and the folders above it; they are on the medium when it resolves. */
  makeFolder(folder: string): Promise<void>;
  /** fsync on the folder: creations, renames and removals in it are on the medium. */
  syncFolder(folder: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Bytes free for us on the medium that holds `path`. */
  free(path: string): Promise<number>;
}
