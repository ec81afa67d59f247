/** Microseconds to scan one message: `npx tsx test/bench/scan.ts`, or from dist after a build. */
import { DataScan } from '../../src/mail/data-scan.js';

for (const size of [4096, 51_200]) {
  const line = `${'x'.repeat(76)}\r\n`;
  const all = Buffer.from(`From: a@b.test\r\nSubject: s\r\n\r\n${line.repeat(Math.floor(size / line.length))}.\r\n`);
  const run = (): void => {
    const scan = new DataScan();
    if (scan.push(all) !== all.length) throw new Error('not the end');
  };
  for (let i = 0; i < 5000; i++) run();
  const began = process.hrtime.bigint();
  for (let i = 0; i < 10_000; i++) run();
  console.log(`${size} octets: ${(Number(process.hrtime.bigint() - began) / 1e7).toFixed(2)} µs`);
}
