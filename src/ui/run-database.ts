import { REPORT_SCHEMA, type Report } from '../divergence/report';
import { MOST_RUNS, type KeptRun, type RunStore } from '../store/run-store';

const NAME = 'moescope';
const STORE = 'runs';

interface Entry {
  readonly run: KeptRun;
  readonly report: Report;
}

/** The last runs in the browser's database. Where there is none (private windows, no room), nothing is kept and nothing fails. */
export function runDatabase(): RunStore {
  let opening: Promise<IDBDatabase> | undefined;
  const database = (): Promise<IDBDatabase> => {
    opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(STORE, { keyPath: 'run.id' });
      };
      request.onsuccess = () => {
        resolve(request.result);
      };
      request.onerror = () => {
        reject(request.error ?? new Error('no database'));
      };
    });
    return opening;
  };
  const ask = async <T>(mode: IDBTransactionMode, make: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const store = (await database()).transaction(STORE, mode).objectStore(STORE);
    return new Promise((resolve, reject) => {
      const request = make(store);
      request.onsuccess = () => {
        resolve(request.result);
      };
      request.onerror = () => {
        reject(request.error ?? new Error('the database refused'));
      };
    });
  };
  const entries = async (): Promise<readonly Entry[]> => {
    const all: readonly unknown[] = await ask('readonly', (store) => store.getAll());
    return all.filter(isEntry).sort((x, y) => y.run.created.localeCompare(x.run.created));
  };
  const list = async (): Promise<readonly KeptRun[]> => (await entries()).map(({ run }) => run);
  return {
    list: () => list().catch(() => []),
    keep: async (run, report) => {
      try {
        await ask('readwrite', (store) => store.put({ run, report }));
        for (const { id } of (await list()).slice(MOST_RUNS)) await ask('readwrite', (store) => store.delete(id));
      } catch {
        // No room, or no database: the run is on the page all the same.
      }
    },
    open: async (id) => {
      const found = await entries().catch(() => []);
      return found.find(({ run }) => run.id === id)?.report;
    },
    forget: async (id) => {
      await ask('readwrite', (store) => store.delete(id)).catch(() => undefined);
    },
  };
}

/** Runs of another version's schema are left out. */
function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null || !('run' in value) || !('report' in value)) return false;
  const { report } = value;
  return typeof report === 'object' && report !== null && 'schema' in report && report.schema === REPORT_SCHEMA;
}
