/** The door to the chunk log, for modules and scripts that have something to write down. */
import type { Service } from '#module';

export interface ChunkLog {
  /** Queues a text and returns at once; it is written within 50 ms. Order is kept, nothing is thrown. */
  log(text: string): void;
}

/** Provided by the one chunk_logger there is. */
export const ChunkLog: Service<ChunkLog> = { name: 'chunk_log', module: 'chunk_logger' };
