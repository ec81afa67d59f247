/** How the language reaches files: handed in, so that nothing here touches a disk. */

type Sooner<T> = T | Promise<T>;

/** Reads texts and folders. Throws only for what is there but cannot be read. */
export interface Reader {
  /** The text of a file; undefined when there is no file of this path. */
  read(path: string): Sooner<string | undefined>;
  /** The names in a folder; undefined when the path is no folder. */
  list(folder: string): Sooner<readonly string[] | undefined>;
}

/** A reader of texts that are at hand: for tests, and for workers that were handed the bytes. */
export function readerOf(files: Readonly<Record<string, string>> | ReadonlyMap<string, string>): Reader {
  const texts = files instanceof Map ? files : new Map(Object.entries(files));
  return {
    read: (path) => texts.get(path),
    list(folder) {
      const prefix = folder.endsWith('/') ? folder : `${folder}/`;
      const names = [...texts.keys()]
        .filter((path) => path.startsWith(prefix))
        .map((path) => path.slice(prefix.length).split('/', 1)[0] ?? '');
      return names.length === 0 ? undefined : [...new Set(names)];
    },
  };
}
