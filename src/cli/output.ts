import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail } from '../base/errors';
import type { Terminal } from './terminal';

/** Writes a result to a file, making its folder, or to standard output for `-`. @throws TracerError `usage` when it cannot be written */
export async function writeOutput(file: string, text: string, terminal: Terminal): Promise<void> {
  if (file === '-') {
    terminal.out(text);
    return;
  }
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** The error of a file or folder that cannot be written. */
export function unwritable(path: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  const remedy = 'Give a place that you may write to, with room left.';
  return fail('usage', `${path} cannot be written: ${reason}.`, remedy, { path, reason }, error);
}
