/** What the kernel says of a process: its resident memory and its sockets. */
import fs from 'node:fs';

/** Resident octets of a process. Throws when it is gone. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
}

/** Open sockets of a process, listening and local ones included. Throws when it is gone. */
export function countSockets(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  let count = 0;
  for (const name of fs.readdirSync(folder)) {
    try {
      if (fs.readlinkSync(`${folder}/${name}`).startsWith('socket:')) count += 1;
    } catch {
      // Closed between the listing and the look.
    }
  }
  return count;
}
