/** How many lines custom_logger writes in a second, compiled, to a real file: `node dist/test/bench/custom-log.js [SECONDS]`. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readFormat } from '../../modules/custom_logger/format.js';
import { readHeader } from '../../modules/custom_logger/header.js';
import type { Tools } from '../../modules/custom_logger/specifiers.js';
import type { Charsets } from '../../modules/icu/api.js';
import { decodeWords } from '../../modules/icu/encoded-words.js';
import { FileLineWriter } from '../../src/events/line-writer.js';
import { systemClock } from '../../src/kernel/clock.js';
import { makeAttempt, makeMail } from '../fixtures/log-events.js';

const FORMAT =
  '%us{6}@%i@%BI@%CI@D@%r@%R@%m@%M@%d@%B@%g@%b@%N@%T{3}@%H@%MX@%p@%P@%t{%Y-%m-%d %H:%M:%S}@%vctx_mess{campaign}@%h{Subject}@%n';
const BATCH = 500;

const charsets: Pick<Charsets, 'decodeWords' | 'decodeValue'> = { decodeWords, decodeValue: (bytes) => decodeWords(String(bytes)) };
const tools: Tools = {
  nameOfClass: String,
  groupOfPathway: () => '',
  readHeader: ({ headers }, name) => readHeader(headers, name, charsets as Charsets, () => 'us-ascii'),
  clean: (text) => text,
  formatReply: ({ text }) => text,
};

const seconds = Number(process.argv[2] ?? 10);
const read = readFormat(FORMAT, new Map([['custom_logger', { names: [], fill: () => undefined }]]), tools);
if ('say' in read) throw new Error(read.say);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-log-'));
const file = path.join(folder, 'log.cl');
const writer = new FileLineWriter({
  path: file,
  permissions: 0o600,
  clock: systemClock,
  trouble: (error) => process.stderr.write(`${error}\n`),
});
const started = performance.now();
const cpu = process.cpuUsage();
let lines = 0;
while (performance.now() - started < seconds * 1000) {
  for (let n = 0; n < BATCH; n++) {
    // A mail of its own for each line: its headers are looked into for the first time.
    const mail = makeMail();
    const attempt = makeAttempt(mail);
    writer.line(read.line({ kind: 'delivery', mail, attempt, place: attempt.place, at: attempt.at }));
  }
  lines += BATCH;
  await new Promise((turn) => setImmediate(turn));
}
await writer.close();
const took = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
const written = fs.readFileSync(file, 'utf8').split('\n').length - 1;
fs.rmSync(folder, { recursive: true });
process.stdout.write(
  `${Math.round(lines / took)} lines/s for ${took.toFixed(1)} s, ${((used.user + used.system) / 1e6 / took).toFixed(2)} cores, ${writer.dropped} dropped, ${written === lines ? 'all' : `only ${written} of ${lines}`} written\n`,
);
