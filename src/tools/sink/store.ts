/** Where the sink puts messages on request: numbered files in a folder, or a Maildir. */
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Received } from './sink.js';

/** Writes a message to a place; resolves to the file's name. */
export type Store = (message: Received) => Promise<string>;

/** Numbered files, `00000001.eml`, in the order of acceptance; goes on after the highest number found. */
export async function openFolder(folder: string): Promise<Store> {
  await fs.mkdir(folder, { recursive: true });
  const found = (await fs.readdir(folder)).map((name) => Number(/^(\d{8,})\.eml$/.exec(name)?.[1] ?? 0));
  let number = found.reduce((most, one) => Math.max(most, one), 0);
  return async ({ raw }) => {
    number += 1;
    const file = path.join(folder, `${String(number).padStart(8, '0')}.eml`);
    await fs.writeFile(file, raw, { flag: 'wx' });
    return file;
  };
}

/** A Maildir: written in `tmp`, moved to `new`, with the envelope on top as Return-Path and Delivered-To. */
export async function openMaildir(folder: string): Promise<Store> {
  for (const part of ['tmp', 'new', 'cur']) await fs.mkdir(path.join(folder, part), { recursive: true });
  // A host name may not bring a slash or a colon into a file name of a Maildir.
  const host = os.hostname().replace(/[/:]/g, '_');
  let count = 0;
  return async ({ raw, from, to, at }) => {
    count += 1;
    const name = `${Math.floor(at / 1000)}.M${(at % 1000) * 1000}P${process.pid}Q${count}.${host}`;
    const head = [`Return-Path: <${from}>`, ...to.map((address) => `Delivered-To: ${address}`)].map((line) => `${line}\r\n`).join('');
    const arrived = path.join(folder, 'new', name);
    await fs.writeFile(path.join(folder, 'tmp', name), Buffer.concat([Buffer.from(head), raw]), { flag: 'wx' });
    await fs.rename(path.join(folder, 'tmp', name), arrived);
    return arrived;
  };
}
