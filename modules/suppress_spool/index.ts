/** suppress_spool: new mail is acknowledged before it is written, and written only when it fails too often or memory is wanted. */
import { defineModule, opt, type UnspooledTally } from '#module';

export default defineModule({
  name: 'suppress_spool',
  summary: 'Keep new mail off the disk for a while.',
  options: {
    num_retries: opt.int({
      doc: 'Retries that may fail before a message is written: with 2 it is written after its third failed attempt.',
      default: 2,
      min: 0,
      max: 65_534,
    }),
  },
  check: (_own, core) =>
    core._unsafe_spool
      ? []
      : [
          {
            say: 'suppress_spool answers 250 before a message is written, so a crash loses mail; it runs only with _unsafe_spool = true at the top of the file.',
          },
        ],

  register(ctx) {
    const tally = ctx.hold<UnspooledTally>(
      'tally',
      () => ({ inMemory: 0, forced: 0, failing: 0, withoutDisk: 0 }),
      () => {},
    );
    const leave = { attempts: ctx.options.num_retries + 1, tally };

    ctx.on('spool_message', (draft) => {
      // Of several instances the first one decides.
      draft.unspooled ??= leave;
      return undefined;
    });

    ctx.command('stats', {
      doc: 'Messages in memory only, those that had to be written, and those delivered without the disk.',
      merge: 'sum',
      run: () => [
        {
          instance: ctx.name,
          in_memory: tally.inMemory,
          forced_writes: tally.forced,
          written_after_failures: tally.failing,
          delivered_without_disk: tally.withoutDisk,
        },
      ],
    });
  },
});
