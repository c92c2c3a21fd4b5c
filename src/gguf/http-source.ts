import { orCancelled, throwIfAborted } from '../base/abort';
import { fail, reasonOf, TracerError } from '../base/errors';
import { hasCredentials, redactedText, redactedUrl } from '../base/redact-url';
import type { ByteSource, SourceDescriptor } from './byte-source';
import { changed, checkRange } from './range';

/** Pauses before the second, third ... try of a request that failed on the way (connection lost, 429, 5xx). */
const RETRY_PAUSES_MS: readonly number[] = [250, 1000, 3000];

/** Milliseconds in which a server must send something: one that stalls holds its connection for ever otherwise, without a word. */
const IDLE_MS = 30_000;

type HttpDescriptor = Extract<SourceDescriptor, { kind: 'http' }>;

/** Where to ask, and with what. */
interface Where {
  readonly url: string;
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a server said about the whole file. */
interface Validators {
  readonly size: number;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

/** What came with a range. */
interface Answer extends Validators {
  /** Bytes of it, from the asked offset on. */
  readonly length: number;
}

/** An answer that is shorter than it was asked for is read on behind, unless the server doles out crumbs. Bytes. */
const LEAST_ANSWER_BYTES = 1024;

export interface HttpOptions {
  readonly signal?: AbortSignal | undefined;
  /** Pauses before each further try; `[]` tries once. */
  readonly retryPausesMs?: readonly number[];
  /** Milliseconds without a byte after which a try is given up. */
  readonly idleMs?: number;
}

/**
 * A source over HTTP range requests. Every answer must be 206 with the asked range or the beginning of it (some servers cap an answer; the rest is
 * asked for anew), the size and the validators (ETag, Last-Modified) of the first answer. The validators are compared here rather than sent as If-Range, which would cost a CORS preflight that many
 * hosts refuse.
 * @throws TracerError `source-read` (unreachable, HTTP error), `source-range` (the server does not serve ranges), `source-changed`.
 */
export async function httpSource(wanted: HttpDescriptor, options: HttpOptions = {}): Promise<ByteSource> {
  const url = absoluteUrl(wanted.url);
  const name = urlName(url);
  if (hasCredentials(url)) throw withCredentials(url);
  const pauses = options.retryPausesMs ?? RETRY_PAUSES_MS;
  const idleMs = options.idleMs ?? IDLE_MS;
  const where: Where = { url, name, headers: wanted.headers ?? {} };
  if (wanted.headers !== undefined && !isPrivate(url)) throw headersInTheOpen(url);
  const first: Validators =
    wanted.size === undefined
      ? await probe(where, pauses, idleMs, options.signal)
      : { size: wanted.size, etag: wanted.etag, lastModified: wanted.lastModified };

  return {
    name,
    size: first.size,
    descriptor: {
      kind: 'http',
      url,
      size: first.size,
      ...(first.etag === undefined ? {} : { etag: first.etag }),
      ...(first.lastModified === undefined ? {} : { lastModified: first.lastModified }),
      ...(wanted.headers === undefined ? {} : { headers: wanted.headers }),
    },
    async read(offset, length, signal) {
      throwIfAborted(signal);
      checkRange(name, first.size, offset, length);
      if (length === 0) return new Uint8Array(0);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const piece = bytes.subarray(done);
        done += await withRetries(pauses, signal, () =>
          whileAlive(name, idleMs, signal, async (alive) => {
            const { response, answer } = await requestRange(where, offset + done, piece.length, alive.signal);
            try {
              checkUnchanged(name, first, answer);
              await readBody(response, name, offset + done, piece.subarray(0, answer.length), alive);
              return answer.length;
            } finally {
              await discard(response);
            }
          }),
        );
      }
      return bytes;
    },
    close: () => Promise.resolve(),
  };
}

/** A relative address against the page's, now: in a worker, with the descriptor, it would be against the worker's script. */
function absoluteUrl(url: string): string {
  const base = 'location' in globalThis ? globalThis.location.href : undefined;
  return URL.canParse(url, base) ? new URL(url, base).href : url;
}

/** The last part of a URL's path, for people. */
export function urlName(url: string): string {
  const path = url.split(/[?#]/, 1)[0] ?? url;
  const last = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last) || redactedUrl(url);
  } catch {
    return last;
  }
}

function probe(
  where: Where,
  pauses: readonly number[],
  idleMs: number,
  signal: AbortSignal | undefined,
): Promise<Validators> {
  return withRetries(pauses, signal, () =>
    whileAlive(where.name, idleMs, signal, async (alive) => {
      const { response, answer } = await requestRange(where, 0, 1, alive.signal);
      await discard(response);
      return answer;
    }),
  );
}

/** A failure that another try may cure. */
class Transient extends Error {
  readonly error: TracerError;
  constructor(error: TracerError) {
    super(error.message);
    this.error = error;
  }
}

/** A request that is given up when nothing comes for too long. */
interface Alive {
  /** Aborted then, and when the caller's is. */
  readonly signal: AbortSignal;
  /** Something came. */
  heard(): void;
}

/** @throws Transient when nothing comes for `idleMs` */
async function whileAlive<T>(
  name: string,
  idleMs: number,
  signal: AbortSignal | undefined,
  work: (alive: Alive) => Promise<T>,
): Promise<T> {
  const silence = new AbortController();
  const wait = (): ReturnType<typeof setTimeout> =>
    setTimeout(() => {
      silence.abort();
    }, idleMs);
  let timer = wait();
  const heard = (): void => {
    clearTimeout(timer);
    timer = wait();
  };
  try {
    return await work({
      signal: signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]),
      heard,
    });
  } catch (error) {
    throwIfAborted(signal);
    if (silence.signal.aborted) throw new Transient(silent(name, idleMs));
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function withRetries<T>(
  pauses: readonly number[],
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    throwIfAborted(signal);
    try {
      return await work();
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof Transient)) throw error;
      const pause = pauses[attempt];
      if (pause === undefined) throw error.error;
      await orCancelled(new Promise((resolve) => setTimeout(resolve, pause)), signal);
    }
  }
}

async function requestRange(
  { url, name, headers }: Where,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<{ response: Response; answer: Answer }> {
  const last = offset + length - 1;
  let response: Response;
  try {
    response = await fetchFrom(url, headers, {
      headers: { Range: `bytes=${offset}-${last}` },
      cache: 'no-store',
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    throwIfAborted(signal);
    const failure = unreachable(url, name, error);
    throw isHopeless(error) ? failure : new Transient(failure);
  }
  try {
    return { response, answer: checkAnswer(response, url, name, offset, last) };
  } catch (error) {
    await discard(response);
    throw error;
  }
}

/** Redirects that are followed, as browsers do. */
const MOST_REDIRECTS = 20;

/**
 * Fetches with headers that only the address's own origin may see. What leads elsewhere is followed without them: fetch itself takes away `Authorization` there,
 * and no other header. For Node only: a browser does not tell where it is led.
 */
async function fetchFrom(
  url: string,
  own: Readonly<Record<string, string>>,
  init: RequestInit & { readonly headers: Record<string, string> },
): Promise<Response> {
  if (Object.keys(own).length === 0) return fetch(url, init);
  const { origin } = new URL(url);
  let at = url;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const mayKnow = new URL(at).origin === origin;
    const headers = mayKnow ? { ...own, ...init.headers } : init.headers;
    const response = await fetch(at, { ...init, headers, redirect: 'manual' });
    const next = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || next === null) return response;
    await discard(response);
    at = new URL(next, at).href;
    if (!/^https?:/.test(at)) break;
  }
  throw new TypeError('fetch failed', { cause: new Error('redirect without end, or to what is no web address') });
}

/** Whether nobody on the way can read what is sent there. */
function isPrivate(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function headersInTheOpen(url: string): TracerError {
  return fail(
    'source-read',
    'Headers are sent over https only: on the way to this address anybody could read them.',
    'Give an https address, or leave out --header.',
    { url: redactedUrl(url) },
  );
}

function checkAnswer(response: Response, url: string, name: string, offset: number, last: number): Answer {
  const etag = response.headers.get('etag') ?? undefined;
  const lastModified = response.headers.get('last-modified') ?? undefined;
  const contentRange = response.headers.get('content-range');
  if (response.status === 416) {
    // The answer for an empty file, and for one that has become shorter.
    const total = /^bytes \*\/(\d+)$/.exec(contentRange ?? '')?.[1];
    if (total !== undefined && Number(total) <= last) return { size: Number(total), length: 0, etag, lastModified };
  }
  if (response.status === 200 && /^text\/html\b/i.test(response.headers.get('content-type') ?? '')) {
    throw fail(
      'source-range',
      `The server of ${name} answered with a web page instead of the file.`,
      'The link leads to a page about the file, or to a login. Use the address of the download itself; a private model needs --header, or a link that works without signing in.',
      { url: redactedUrl(url), expected: 206, actual: 200 },
    );
  }
  if (response.status === 200) {
    throw rangeError(name, url, 'answered with the whole file (200) instead of the asked range (206)', {
      expected: 206,
      actual: 200,
    });
  }
  if (response.status !== 206) {
    const error = fail(
      'source-read',
      `${name} cannot be read: the server answered ${response.status} ${response.statusText}.`.replace(' .', '.'),
      'Check the address in a new tab; a private model needs a link that works without signing in.',
      { url: redactedUrl(url), status: response.status },
    );
    throw response.status >= 500 || response.status === 429 ? new Transient(error) : error;
  }
  if (contentRange === null) {
    throw rangeError(name, url, 'sent a range without a readable Content-Range header', { header: 'Content-Range' });
  }
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(contentRange);
  if (match === null || Number(match[1]) !== offset) {
    throw rangeError(name, url, `sent another range than the asked one: "${contentRange}"`, {
      expected: `bytes ${offset}-${last}/*`,
      actual: contentRange,
    });
  }
  const size = Number(match[3]);
  if (!Number.isSafeInteger(size)) throw rangeError(name, url, `named an impossible size: "${contentRange}"`, {});
  const end = Number(match[2]);
  const length = end - offset + 1;
  if (end > last || (end !== last && end !== size - 1 && length < LEAST_ANSWER_BYTES)) {
    throw rangeError(name, url, `sent another range than the asked one: "${contentRange}"`, {
      expected: `bytes ${offset}-${last}/*`,
      actual: contentRange,
    });
  }
  return { size, length, etag, lastModified };
}

function checkUnchanged(name: string, first: Validators, now: Validators): void {
  if (now.size !== first.size) {
    throw changed(name, `its size was ${first.size} and is ${now.size}`, { expected: first.size, actual: now.size });
  }
  const pairs = [
    ['ETag', first.etag, now.etag],
    ['Last-Modified', first.lastModified, now.lastModified],
  ] as const;
  const known = pairs.filter(([, before, after]) => before !== undefined && after !== undefined);
  // One that is equal outweighs the other: caches move dates, and the nodes of a network may each make an ETag of their own.
  if (known.some(([, before = '', after = '']) => strong(before) === strong(after))) return;
  for (const [header, before = '', after = ''] of known) {
    throw changed(name, `its ${header} was ${before} and is ${after}`, { expected: before, actual: after });
  }
}

/** An ETag without its weakness mark: caches on the way add it. */
function strong(tag: string): string {
  return tag.replace(/^W\//, '');
}

/** The body, into bytes of the size that it must have: a server that sends more is cut off, never buffered. */
async function readBody(
  response: Response,
  name: string,
  offset: number,
  bytes: Uint8Array<ArrayBuffer>,
  { signal, heard }: Alive,
): Promise<void> {
  const { length } = bytes;
  let done = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const chunk = await reader?.read();
      heard();
      if (chunk?.value === undefined) break;
      if (done + chunk.value.length > length) {
        throw rangeError(name, response.url, `sent more than the ${length} bytes it was asked for`, {
          expected: length,
        });
      }
      bytes.set(chunk.value, done);
      done += chunk.value.length;
    }
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof TracerError) throw error;
    throw new Transient(cutOff(name, offset, length, done, error));
  } finally {
    reader?.releaseLock();
  }
  if (done < length) throw new Transient(cutOff(name, offset, length, done));
}

/** Lets the connection go without reading the rest. A body that is already closed or failed has nothing to let go of. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

function cutOff(name: string, offset: number, length: number, done: number, cause?: unknown): TracerError {
  return fail(
    'source-read',
    `The connection for ${name} ended early: ${done} of ${length} bytes from ${offset}.`,
    'Check the network and run again, or download the file and open it from disk.',
    { source: name, offset, expected: length, actual: done },
    cause,
  );
}

function unreachable(url: string, name: string, cause: unknown): TracerError {
  const reason = causeOf(cause);
  const isPage = 'location' in globalThis;
  return fail(
    'source-read',
    `${name} cannot be reached at ${redactedUrl(url)}${reason === undefined ? '' : `: ${reason}`}.`,
    isPage
      ? 'Check the address and the network. A page can read another host only if that host allows it (CORS); otherwise download the file and open it from disk.'
      : 'Check the address and the network, or download the file and open it from disk.',
    { url: redactedUrl(url), ...(reason === undefined ? {} : { reason }) },
    cause,
  );
}

/** What lies below `fetch failed`: refused, no such host, a certificate. Browsers tell nothing. */
function causeOf(error: unknown): string | undefined {
  let deepest = error;
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
  if (deepest === error || !(deepest instanceof Error)) return undefined;
  const code = 'code' in deepest && typeof deepest.code === 'string' ? deepest.code : undefined;
  const reason = redactedText(reasonOf(deepest));
  return code === undefined || reason.includes(code) ? reason : reason === '' ? code : `${reason} (${code})`;
}

/** Failures that another try cannot cure: an address that is none, a redirect without end or to what is no web address, a certificate. */
function isHopeless(error: unknown): boolean {
  const reason = causeOf(error) ?? (error instanceof Error ? error.message : '');
  return /redirect|invalid url|failed to parse url|unknown scheme|bad port|certificate|CERT_|self.signed|ERR_INVALID_URL/i.test(
    reason,
  );
}

function withCredentials(url: string): TracerError {
  return fail(
    'source-read',
    'Addresses with a user or a password in them are not supported.',
    'Use an address that needs none, for example a signed one, or download the file and open it from disk.',
    { url: redactedUrl(url) },
  );
}

function silent(name: string, idleMs: number): TracerError {
  return fail(
    'source-read',
    `The server of ${name} sent nothing for ${idleMs / 1000} s.`,
    'Try again later, or download the file and open it from disk.',
    { source: name, idleMs },
  );
}

function rangeError(name: string, url: string, what: string, detail: Record<string, string | number>): TracerError {
  return fail(
    'source-range',
    `The server of ${name} ${what}.`,
    'Use a server that serves byte ranges (and, for other origins, exposes Content-Range), or download the file and open it from disk.',
    { url: redactedUrl(url), ...detail },
  );
}
