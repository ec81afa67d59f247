/** Exit codes of the command, as sysexits.h names them. */
export const EXIT = {
  ok: 0,
  /** The command ran and its answer is no. */
  failed: 1,
  /** EX_USAGE */
  usage: 64,
  /** EX_NOINPUT: a file cannot be read. */
  noInput: 66,
  /** EX_NOHOST: the name has no address. */
  noHost: 68,
  /** EX_UNAVAILABLE: the daemon is not there. */
  unavailable: 69,
  /** EX_SOFTWARE */
  software: 70,
  /** EX_TEMPFAIL: another daemon has it. */
  busy: 75,
  /** EX_NOPERM */
  forbidden: 77,
  /** EX_CONFIG */
  config: 78,
} as const;
