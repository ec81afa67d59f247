/** Macros that modules add to the formats of others: a namespace, its names, and what each is for one event. */
import type { Attempt } from './attempt.js';
import type { Message } from './message.js';
import type { Place } from './place.js';
import type { Rejection } from './reports.js';
import type { Session } from './session.js';

/** Stages of a message's life that formats are written for. */
export type MacroKind = 'reception' | 'delivery' | 'transient_failure' | 'permanent_failure' | 'xfer' | 'rejection';

/** What happened. What an event of its kind cannot know is undefined. */
export interface MacroEvent {
  readonly kind: MacroKind;
  /** The message; a rejection before MAIL FROM has none. */
  readonly mail?: Message | undefined;
  /** Where it is queued. */
  readonly place?: Place | undefined;
  /** The client's connection: of receptions over SMTP and of rejections. */
  readonly session?: Session | undefined;
  readonly attempt?: Attempt | undefined;
  readonly rejection?: Rejection | undefined;
  /** Wall milliseconds. */
  readonly at: number;
}

export interface MacroSource {
  /** Names of its macros, without the namespace. */
  readonly names: readonly string[];
  /** The text of a macro; undefined stands for none. Called for every line: must be quick and never throw. */
  fill(name: string, event: MacroEvent): string | undefined;
}

/** The namespaces of a daemon. */
export interface MacroBook {
  /** Adds a namespace in front of one of the same name; what it answers takes this one back and no other. */
  add(namespace: string, source: MacroSource): () => void;
  find(namespace: string): MacroSource | undefined;
}

/** Opens a book without namespaces. */
export function openMacroBook(): MacroBook {
  const sources = new Map<string, readonly MacroSource[]>();
  return {
    add(namespace, source) {
      // Each time an object of its own: one source may be added twice.
      const added = { names: source.names, fill: source.fill.bind(source) };
      sources.set(namespace, [added, ...(sources.get(namespace) ?? [])]);
      return () => {
        const left = (sources.get(namespace) ?? []).filter((each) => each !== added);
        if (left.length > 0) sources.set(namespace, left);
        else sources.delete(namespace);
      };
    },
    find: (namespace) => sources.get(namespace)?.[0],
  };
}
