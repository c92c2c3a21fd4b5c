import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TuningStore } from '../../gpu/decode/tuner';

/** `~/.cache/moescope/decode-tuning.json`, or where the system keeps what may be deleted. */
export function tuningFile(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  const home = homedir();
  const folder =
    env['XDG_CACHE_HOME'] ??
    (platform === 'win32'
      ? (env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'))
      : join(home, platform === 'darwin' ? 'Library/Caches' : '.cache'));
  return join(folder, 'moescope', 'decode-tuning.json');
}

/** Kernel choices by adapter and shape, kept in a file. A file that cannot be read or written costs a second of measuring, no more. */
export function tuningFileStore(file: string = tuningFile()): TuningStore {
  const read = (): Record<string, string> => {
    try {
      const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
      const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
      return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
    } catch {
      return {};
    }
  };
  return {
    get: (key) => read()[key],
    set(key, value) {
      try {
        mkdirSync(dirname(file), { recursive: true });
        // Another process may write at the same time: each writes whole files.
        const part = `${file}.${process.pid}`;
        writeFileSync(part, `${JSON.stringify({ ...read(), [key]: value }, undefined, 2)}\n`);
        renameSync(part, file);
      } catch {
        // Read-only homes are common in CI: it is measured again.
      }
    },
  };
}
