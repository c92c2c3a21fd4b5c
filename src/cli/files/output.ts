import { access, constants, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { shownDocument } from '../../base/foreign-text';
import { fail, reasonOf } from '../../base/errors';
import type { Terminal } from '../terminal/terminal';
import { writeWhole } from './atomic-file';

/**
 * Makes sure that a result can be written there, before the work that leads to it. A file that exists keeps its content.
 * @throws TracerError `usage`
 */
export async function checkOutput(file: string): Promise<void> {
  if (file === '-') return;
  try {
    await makeFolder(dirname(file));
    const isNew = (await stat(file).catch(() => undefined)) === undefined;
    await (await open(file, 'a')).close();
    // An empty file would be there if the work were ended.
    if (isNew) await rm(file);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** The same for all results of a command; at most one goes to standard output. @throws TracerError `usage` */
export async function checkOutputs(files: readonly (string | undefined)[]): Promise<void> {
  const named = files.filter((file) => file !== undefined);
  const twice = named.find((file, i) => named.indexOf(file) !== i);
  if (twice !== undefined) {
    throw fail('usage', `Two results would be written to ${twice}.`, 'Give each a place of its own.', { file: twice });
  }
  for (const file of named) await checkOutput(file);
}

/** The same for a folder, which is made. @throws TracerError `usage` */
export async function checkFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/** Writes a result to a file, whole or not at all, making its folder, or to standard output for `-`. @throws TracerError `usage` when it cannot be written */
export async function writeOutput(file: string, text: string, terminal: Terminal): Promise<void> {
  if (file === '-') {
    terminal.out(shownDocument(text));
    return;
  }
  try {
    await makeFolder(dirname(file));
    await writeWhole(file, text);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** Makes a folder and those above it, one by one: Node's own way of doing so never returns on file systems that make no folders, such as /proc. */
export async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(folder); !(await isFolder(at)); at = dirname(at)) {
    missing.push(at);
    if (dirname(at) === at) break;
  }
  for (const at of missing.reverse()) {
    await mkdir(at).catch(async (error: unknown) => {
      // Another process may have made it meanwhile.
      if (!(await isFolder(at))) throw error;
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** The error of a file or folder that cannot be written. */
export function unwritable(path: string, error: unknown): Error {
  const reason = reasonOf(error);
  const remedy = 'Give a place that you may write to, with room left.';
  return fail('usage', `${path} cannot be written: ${reason}.`, remedy, { path, reason }, error);
}
