/**
 * Keeps the page for when there is no network: the files of one build, whole, in a cache of that build's name. The build fills in the
 * list (scripts/lib/page-plugins.mjs). Answers only for this origin; models from elsewhere go past it.
 */
interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  readonly registration: { readonly scope: string };
  addEventListener(type: 'install' | 'activate', listener: (event: Extendable) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
}
declare const self: Scope;
declare const __PRECACHE__: {
  /** Changes with any file. */
  readonly build: string;
  /** What the page needs to open: relative to the scope. */
  readonly shell: readonly string[];
  /** What it needs to run the sample: fetched once the page is up. */
  readonly sample: readonly string[];
};

const FILES = __PRECACHE__;
const PREFIX = 'moescope-';
const CACHE = `${PREFIX}${FILES.build}`;
const SHELL = new Set([...FILES.shell, ...FILES.sample].map((path) => new URL(path, self.registration.scope).href));
const INDEX = new URL('index.html', self.registration.scope).href;

self.addEventListener('install', (event) => {
  event.waitUntil(store(FILES.shell));
});

self.addEventListener('activate', (event) => {
  // The sample may fail (a thrifty connection): the page then still opens offline, with its recorded trace.
  event.waitUntil(Promise.all([dropOldBuilds(), store(FILES.sample).catch(() => undefined)]));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(self.registration.scope)) return;
  if (request.mode === 'navigate') event.respondWith(fresh(request));
  else if (SHELL.has(withoutQuery(request.url))) event.respondWith(kept(request));
});

async function store(paths: readonly string[]): Promise<void> {
  const cache = await caches.open(CACHE);
  const missing = [];
  for (const path of paths) {
    const url = new URL(path, self.registration.scope).href;
    if ((await cache.match(url)) === undefined) missing.push(new Request(url, { cache: 'no-cache' }));
  }
  await cache.addAll(missing);
}

async function dropOldBuilds(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)),
  );
}

/** The page itself comes from the network while there is one, so that a new version is seen at once. */
async function fresh(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const found = await caches.match(INDEX);
    if (found !== undefined) return found;
    throw error;
  }
}

/** Files of the build never change under their names within one build. */
async function kept(request: Request): Promise<Response> {
  const found = await caches.match(withoutQuery(request.url), { cacheName: CACHE });
  if (found === undefined) return fetch(request);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get('range') ?? '');
  return range === null ? found : part(found, Number(range[1]), range[2] === '' ? undefined : Number(range[2]));
}

/** A range of a file that is kept whole. */
async function part(whole: Response, first: number, last: number | undefined): Promise<Response> {
  const blob = await whole.blob();
  const end = Math.min(blob.size, (last ?? blob.size - 1) + 1);
  const headers = new Headers(whole.headers);
  if (first >= end) {
    return new Response(null, { status: 416, headers: { 'Content-Range': `bytes */${String(blob.size)}` } });
  }
  headers.set('Content-Range', `bytes ${String(first)}-${String(end - 1)}/${String(blob.size)}`);
  headers.set('Content-Length', String(end - first));
  return new Response(blob.slice(first, end), { status: 206, headers });
}

function withoutQuery(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? url;
}

// A module, so that `self` is this file's own.
export {};
