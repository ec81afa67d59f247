/** celeris spool: looks into a spool that may or may not be in use, and changes nothing. */
export async function inspectSpool(_: { readonly config: string; readonly verb: string; readonly words: readonly string[]; readonly spool?: string }): Promise<number> {
  return 70;
}
