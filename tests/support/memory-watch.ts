import { readdirSync, readFileSync } from 'node:fs';

/**
 * Largest memory that a process has ever held resident, in bytes (Linux: VmHWM of /proc/PID/status). Everything counts, JS or not.
 * Undefined once the process has ended.
 */
export function peakResidentBytes(pid: number): number | undefined {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(procFile(pid, 'status') ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** Processes whose command line contains the text. */
export function processesWith(argument: string): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => procFile(pid, 'cmdline')?.includes(argument));
}

function procFile(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
