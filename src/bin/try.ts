/** celeris try: a daemon and a sink of its own in a temporary folder, one message through both, and what happened when. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { simpleParser } from 'mailparser';
import nodemailer from 'nodemailer';
import { renderProblems } from '../config/render.js';
import { loadConfiguration } from '../server/configuration.js';
import { Daemon } from '../server/daemon.js';
import { innerPlan } from '../server/inner-plan.js';
import { parseSaying, type Rule } from '../tools/sink/rule.js';
import { startSink } from '../tools/sink/sink.js';
import { EXIT } from './exit.js';

export interface TryWishes {
  /** What the sink answers to the message, e.g. "451" or "550 5.1.1 no such user". */
  readonly sinkSays?: string;
  readonly json: boolean;
}

interface Step {
  readonly ms: number;
  readonly event: string;
  readonly detail: string;
}

const LIMIT_MS = 10_000;

/** Resolves to the exit code: delivered or not; 64 when the wish is no reply. */
export async function tryOut(wishes: TryWishes): Promise<number> {
  let rules: Rule[];
  try {
    rules = wishes.sinkSays === undefined ? [] : [parseSaying(wishes.sinkSays)];
  } catch (error) {
    process.stderr.write(`celeris: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.usage;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-try-'));
  process.env.CELERIS_LOG ??= 'error';
  const began = performance.now();
  const steps: Step[] = [];
  const note = (event: string, detail = ''): void =>
    void steps.push({ ms: Math.round((performance.now() - began) * 10) / 10, event, detail });
  const sink = await startSink({ rules });
  try {
    const file = path.join(folder, 'ecelerity.conf');
    fs.writeFileSync(file, writeConfiguration(folder, sink.port));
    const configured = await loadConfiguration(file);
    if (!configured.ok) {
      process.stderr.write(`${renderProblems(configured.problems)}\n`);
      return EXIT.software;
    }
    let ended: (outcome: string) => void = () => {};
    const outcome = new Promise<string>((done) => {
      ended = done;
    });
    const daemon = await Daemon.start(file, configured.snapshot, [watchPlan(note, (what) => ended(what))]);
    const timer = setTimeout(() => ended('timed out'), LIMIT_MS);
    try {
      note('daemon ready', `SMTP on port ${portOf(daemon)}, sink on port ${sink.port}`);
      await send(portOf(daemon), note);
      const result = await outcome;
      const [received] = sink.received;
      if (received) note('at the sink', await describe(received.raw));
      report(steps, result, wishes.json);
      return result === 'delivered' ? EXIT.ok : EXIT.failed;
    } finally {
      clearTimeout(timer);
      await daemon.stop(AbortSignal.timeout(2000));
    }
  } finally {
    await sink.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const writeConfiguration = (folder: string, sinkPort: number): string => `
hostname = "try.celeris.test"
spoolbase = "${folder}/spool"
relay_hosts = ( 127.0.0.0/8 )
gateway = "[127.0.0.1]"
remote_smtp_port = ${sinkPort}
esmtp_listener { listen "127.0.0.1:0" { } }
ec_logger "main" { mainlog = "${folder}/mainlog" rejectlog = "${folder}/rejectlog" paniclog = "${folder}/paniclog" }
`;

/** Listens like a module and writes down what it hears. */
const watchPlan = (note: (event: string, detail?: string) => void, ended: (outcome: string) => void) =>
  innerPlan('try', 'Writes down what happens.', (ctx) => {
    ctx.on('connect', (session) => note('connected', `from ${session.peer.ip}`));
    ctx.on('command', (_session, verb, line, reply) =>
      note(
        'command',
        `${verb === '.' ? 'end of message' : line} → ${reply.code} ${reply.status} ${reply.text.split('\n')[0]}`.replace(/ +/g, ' '),
      ),
    );
    ctx.on('final', (_draft, place) => note('accepted by policy', `placed at ${place.group}/${place.binding}/${place.domain}`));
    ctx.on('received', (mail) => note('spooled and queued', `${mail.id}, ${mail.size} octets, durable`));
    ctx.on('attempted', (attempt) =>
      note('attempt', `${attempt.hop ? `${attempt.hop.ip}:${attempt.hop.port}` : 'no hop'} → ${attempt.reply}`),
    );
    ctx.on('delivered', (attempt) => {
      note('delivered', attempt.mail.id);
      ended('delivered');
    });
    ctx.on('deferred', (attempt) => {
      note('deferred', `next attempt in ${Math.round((attempt.mail.nextAttempt - ctx.now()) / 1000)} s`);
      ended('deferred');
    });
    ctx.on('failed', (attempt) => {
      note('failed', attempt.reply);
      ended('failed');
    });
  });

async function send(port: number, note: (event: string, detail?: string) => void): Promise<void> {
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port, secure: false, ignoreTLS: true, name: 'client.celeris.test' });
  try {
    const { response } = await transport.sendMail({
      from: 'alice@sender.test',
      to: 'bob@receiver.test',
      subject: 'A message through Celeris',
      text: 'If you read this, it works.\n',
    });
    note('client heard', response);
  } finally {
    transport.close();
  }
}

function portOf(daemon: Daemon): number {
  const [first] = daemon.listeners.addresses();
  return first?.address.kind === 'tcp' ? first.address.port : 0;
}

async function describe(raw: Buffer): Promise<string> {
  const { subject, text } = await simpleParser(raw);
  return `subject "${subject ?? ''}", ${(text ?? '').length} characters of text`;
}

function report(steps: readonly Step[], outcome: string, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ outcome, steps }, undefined, 2)}\n`);
  else {
    for (const { ms, event, detail } of steps) process.stdout.write(`${ms.toFixed(1).padStart(8)} ms  ${event.padEnd(20)} ${detail}\n`);
    process.stdout.write(`${outcome === 'delivered' ? 'Delivered.' : `Not delivered: ${outcome}.`}\n`);
  }
}
