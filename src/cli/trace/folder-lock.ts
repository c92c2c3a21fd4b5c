import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fail } from '../../base/errors';
import { makeFolder } from '../files/output';

/** The folder that says that somebody puts results in place. Readers pass over folders whose names begin with a dot. */
const LOCK = '.writing';
const OWNER = 'owner';
/** Putting results in place takes milliseconds; a lock older than this belongs to a process that died on another machine, or whose disk hangs. */
const PATIENCE_MS = 60_000;
const RETRY_MS = 25;
/** A lock without an owner is one that is being made, for at most so long. */
const NAMELESS_MS = 5000;

/** Names this process among all that may share a folder, also from other machines and containers. */
export const PROCESS_NAME = `${hostname().replace(/[^\w.-]+/g, '-')}-${process.pid}-${randomBytes(4).toString('hex')}`;

/** Whether a process that {@link PROCESS_NAME} names is known to have ended: on this machine, and not there. */
export function isGone(name: string): boolean {
  const [, host, pid] = /^(.*)-(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
  if (host !== hostname().replace(/[^\w.-]+/g, '-') || pid === undefined || Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

/**
 * Does the work while nobody else does any in this folder, in this process or another. A folder that is not there is made.
 * @throws TracerError `usage` when another does not come to an end
 */
export async function whileLocked<T>(root: string, work: () => Promise<T>): Promise<T> {
  const lock = join(root, LOCK);
  const patience = performance.now() + PATIENCE_MS;
  await makeFolder(root);
  while (!(await taken(lock))) {
    await dropDead(lock);
    if (performance.now() > patience) {
      throw fail(
        'usage',
        `Another run has been writing to ${root} for too long.`,
        `Give another folder, or remove ${lock} if no run is left.`,
        { root },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function taken(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  try {
    await writeFile(join(lock, OWNER), PROCESS_NAME);
  } catch (error) {
    // On a full disk, say: a lock without an owner would make the next run wait.
    await rm(lock, { recursive: true, force: true });
    throw error;
  }
  return true;
}

/** Takes a lock away whose owner is known to have ended. */
async function dropDead(lock: string): Promise<void> {
  if (!(await isDead(lock))) return;
  // In one step, so that of several who wait one takes it away; and back, where it was another's by then.
  const aside = `${lock}-${PROCESS_NAME}`;
  try {
    await rename(lock, aside);
  } catch {
    return;
  }
  if (await isDead(aside)) await rm(aside, { recursive: true, force: true });
  else await rename(aside, lock).catch(() => rm(aside, { recursive: true, force: true }));
}

async function isDead(lock: string): Promise<boolean> {
  const owner = await readFile(join(lock, OWNER), 'utf8').catch(() => '');
  if (owner !== '') return isGone(owner);
  const made = await stat(lock).catch(() => undefined);
  return made !== undefined && Date.now() - made.mtimeMs > NAMELESS_MS;
}
