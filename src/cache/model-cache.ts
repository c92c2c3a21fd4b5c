import { capped, MOST_OF_NAME, visible } from '../base/foreign-text';
import { redactedUrl } from '../base/redact-url';
import { sha256Hex } from '../base/sha256';
import type { SourceDescriptor } from '../gguf/byte-source';
import { urlName } from '../gguf/http-source';
import { opfsStore, type OpfsStore } from './opfs-store';
import type { SyncFile } from './sync-file';

export type HttpDescriptor = Extract<SourceDescriptor, { kind: 'http' }>;

/** A remote file of which something is kept on this device. */
export interface CachedModel {
  /** Its folder's name. */
  readonly key: string;
  readonly url: string;
  /** What people call it: the last part of its address, with what is unseen in it made visible, and cut. */
  readonly name: string;
  /** Bytes kept, and of the whole file. */
  readonly bytes: number;
  readonly size: number;
  /** Milliseconds since 1970 of its last opening. */
  readonly usedAt: number;
}

/** What is written beside the bytes. */
interface About {
  readonly url: string;
  readonly size: number;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  readonly usedAt: number;
}

const FOLDER = 'models';
const [ABOUT, DATA, INDEX] = ['about.json', 'data', 'index'];
/** Share of what the browser grants that models may take. */
const QUOTA_SHARE = 0.8;
/** Tabs and workers of the page hear of a model that is to be let go of here. */
const CHANNEL = 'moescope-kept-models';
/** How long the threads that have a model open are waited for. */
const RELEASE_MS = 1000;

/** What is kept, last used first. Empty where the browser has no private file system. */
export async function cachedModels(): Promise<readonly CachedModel[]> {
  const folder = await modelsFolder(false);
  const models: CachedModel[] = [];
  for await (const [key, handle] of folder?.entries() ?? []) {
    if (handle.kind !== 'directory') continue;
    const about = await readAbout(handle);
    const data = await handle.getFileHandle(DATA).catch(() => undefined);
    if (about === undefined || data === undefined) continue;
    const { url, size, usedAt } = about;
    models.push({
      key,
      url,
      name: visible(capped(urlName(url), MOST_OF_NAME)),
      size,
      usedAt,
      bytes: (await data.getFile()).size,
    });
  }
  return models.sort((a, b) => b.usedAt - a.usedAt);
}

/** Lets go of a model's bytes; threads that have it open read on from the network. */
export async function forgetModel(key: string): Promise<void> {
  const folder = await modelsFolder(false);
  if (folder === undefined) return;
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(key);
  try {
    const patience = performance.now() + RELEASE_MS;
    for (;;) {
      try {
        await folder.removeEntry(key, { recursive: true });
        return;
      } catch (error) {
        if (error instanceof Error && error.name === 'NotFoundError') return;
        if (performance.now() > patience) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  } finally {
    channel.close();
  }
}

/**
 * A store for a remote file, in a worker; undefined where there is none to be had: no private file system, another tab has it, no room, or a
 * server that does not say when the file changes. What an older version of the file left is dropped.
 */
export async function openCachedModel(file: HttpDescriptor): Promise<OpfsStore | undefined> {
  const { url, size, etag, lastModified } = file;
  if (size === undefined || (etag ?? lastModified) === undefined) return undefined;
  try {
    const folder = await modelsFolder(true);
    if (folder === undefined) return undefined;
    const key = (await sha256Hex(new TextEncoder().encode(url))).slice(0, 32);
    const own = await folder.getDirectoryHandle(key, { create: true });
    const before = await readAbout(own);
    const same = before?.size === size && before.etag === etag && before.lastModified === lastModified;
    const files: SyncFile[] = [];
    try {
      for (const name of [ABOUT, DATA, INDEX]) files.push(await syncFile(own, name));
      const [about, data, index] = files;
      if (about === undefined || data === undefined || index === undefined) return undefined;
      if (!same) for (const each of [data, index]) each.truncate(0);
      // What is kept on a disk is no place for a signature; the folder's name is of the whole address.
      writeAbout(about, { url: redactedUrl(url), size, etag, lastModified, usedAt: Date.now() });
      const limit = await makeRoom(key, size, data.getSize());
      return releasableStore(key, data, index, limit);
    } catch (error) {
      for (const each of files) each.close();
      throw error;
    }
  } catch {
    // Private windows, a locked file, a full disk: the model is read from the network, as it would be without.
    return undefined;
  }
}

/** Bytes that a model's data may take, after older models have made room as far as they can. */
async function makeRoom(key: string, size: number, kept: number): Promise<number> {
  const others = (await cachedModels()).filter((model) => model.key !== key).reverse();
  for (;;) {
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    const allowed = quota * QUOTA_SHARE - usage + kept;
    const oldest = others.shift();
    if (allowed >= size || oldest === undefined) return Math.max(0, Math.min(size, allowed));
    await forgetModel(oldest.key);
  }
}

/** A store that closes when its model is to be forgotten. */
function releasableStore(key: string, data: SyncFile, index: SyncFile, limit: number): OpfsStore {
  const channel = new BroadcastChannel(CHANNEL);
  const store = opfsStore(data, index, limit, () => {
    channel.close();
  });
  channel.onmessage = (event: MessageEvent<unknown>) => {
    if (event.data === key) store.close();
  };
  return store;
}

async function modelsFolder(create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(FOLDER, { create });
  } catch {
    return undefined;
  }
}

async function readAbout(folder: FileSystemDirectoryHandle): Promise<About | undefined> {
  try {
    const text = await (await (await folder.getFileHandle(ABOUT)).getFile()).text();
    const about: unknown = JSON.parse(text);
    return isAbout(about) ? about : undefined;
  } catch {
    return undefined;
  }
}

function isAbout(value: unknown): value is About {
  if (typeof value !== 'object' || value === null) return false;
  const { url, size, usedAt } = value as Partial<Record<keyof About, unknown>>;
  return typeof url === 'string' && typeof size === 'number' && typeof usedAt === 'number';
}

function writeAbout(file: SyncFile, about: About): void {
  const bytes = new TextEncoder().encode(JSON.stringify(about));
  file.truncate(0);
  file.write(bytes, { at: 0 });
  file.flush();
  file.close();
}

/** The DOM library knows this method in workers only; so do browsers. */
interface WorkerFileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<SyncFile>;
}

async function syncFile(folder: FileSystemDirectoryHandle, name: string): Promise<SyncFile> {
  const handle = await folder.getFileHandle(name, { create: true });
  if (!isWorkerHandle(handle)) throw new TypeError('no synchronous files here');
  return handle.createSyncAccessHandle();
}

function isWorkerHandle(handle: FileSystemFileHandle): handle is WorkerFileHandle {
  return 'createSyncAccessHandle' in handle;
}
