/** What a new user wants to know of a configuration: where mail comes in, where it goes, where things lie. Pure. */
import type { Tree, Value } from '../config/tree.js';

export interface Overview {
  readonly smtp: readonly string[];
  readonly consoles: readonly string[];
  readonly spool: string | undefined;
  readonly logs: readonly string[];
  readonly user: string | undefined;
  /** Host and port everything goes to, when the configuration names one for all. */
  readonly hop: { readonly host: string; readonly port: number } | undefined;
}

type Entries = Tree['entries'];

const LOGS = ['mainlog', 'rejectlog', 'paniclog', 'acctlog'];

/** Reads the tree of a configuration; files it includes are not followed. */
export function readOverview({ entries }: Tree): Overview {
  const gateway = settingOf(entries, 'gateway');
  const port = Number(settingOf(entries, 'remote_smtp_port') ?? 25);
  return {
    smtp: stanzas(entries, 'esmtp_listener').flatMap(listens),
    consoles: stanzas(entries, 'control_listener').flatMap(listens),
    spool: settingOf(entries, 'spoolbase'),
    logs: stanzas(entries, 'ec_logger').flatMap((inner) => LOGS.flatMap((name) => settingOf(inner, name) ?? [])),
    user: stanzas(entries, 'security').flatMap((inner) => settingOf(inner, 'user') ?? [])[0],
    hop: gateway === undefined || gateway === '' ? undefined : { host: gateway.replace(/^\[|\]$/g, ''), port },
  };
}

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b;

const stanzas = (entries: Entries, name: string): Entries[] =>
  entries.flatMap((entry) => (entry.kind === 'stanza' && sameName(entry.keyword.text, name) ? [entry.entries] : []));

const listens = (entries: Entries): string[] =>
  entries.flatMap((entry) =>
    entry.kind === 'stanza' && sameName(entry.keyword.text, 'listen') && entry.instance ? [entry.instance.text] : [],
  );

// The last one wins, as in the daemon.
const settingOf = (entries: Entries, name: string): string | undefined =>
  entries.reduce<string | undefined>(
    (found, entry) => (entry.kind === 'assign' && sameName(entry.name.text, name) ? textOf(entry.value) : found),
    undefined,
  );

const textOf = (value: Value): string | undefined => (value.kind === 'list' || value.kind === 'dict' ? undefined : value.text);
