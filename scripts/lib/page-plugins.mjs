import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.mjs';

/** Under this name the service worker is built, beside index.html: its scope is its folder. */
export const SERVICE_WORKER = 'sw.js';
/** What the service worker fetches only once the page is up. */
const SAMPLE = /^(?:sample\/.*\.gguf|cases\/.*)$/;
/** Files of public/ that no browser asks for. */
const NOT_SERVED = /^_headers$|^card\.png$|README\.md$/;

/**
 * The page's policy as `<meta>`, for hosts that send no headers. Taken from public/_headers, so that there is one policy; what a meta
 * element cannot say (frame-ancestors) stays with the header.
 * @returns {import('vite').Plugin}
 */
export function contentSecurityPolicy() {
  return {
    name: 'moescope-csp',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        injectTo: 'head-prepend',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: metaPolicy(readHeaders()) },
      },
    ],
  };
}

/**
 * The policy of a `_headers` file without the directives that browsers ignore in a meta element.
 * @param {string} headers
 * @returns {string}
 */
export function metaPolicy(headers) {
  const policy = /Content-Security-Policy:\s*(.+)/.exec(headers)?.[1] ?? '';
  return policy
    .split(';')
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '' && !/^(?:frame-ancestors|report-uri|sandbox)\b/.test(directive))
    .join('; ');
}

/**
 * Previews of links need the picture's absolute address, which only the server's operator knows: PAGE_ADDRESS, as `https://example.org/moescope/`.
 * @param {string | undefined} [address]
 * @returns {import('vite').Plugin}
 */
export function previewAddress(address = process.env.PAGE_ADDRESS) {
  return {
    name: 'moescope-preview',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (html) => (address === undefined || address === '' ? html : withAddress(html, address)),
    },
  };
}

/**
 * @param {string} html
 * @param {string} address of the folder that holds index.html
 * @returns {string}
 */
export function withAddress(html, address) {
  const { href } = new URL(address.endsWith('/') ? address : `${address}/`);
  const picture = /<meta property="og:image" content="[^"]*card\.png"\s*\/?>/;
  if (!picture.test(html)) throw new Error('index.html names no og:image');
  return html.replace(
    picture,
    `<meta property="og:url" content="${href}" />\n    <meta property="og:image" content="${href}card.png" />`,
  );
}

/** The faces of the verdict and of running text: the page is measured with them, and shifts when they come late. */
const FIRST_FONTS = /(?:source-serif-4-latin-600|ibm-plex-sans-latin-[46]00)-normal-[\w-]+\.woff2$/;

/**
 * Lets the first faces be fetched with the style sheet instead of after it.
 * @returns {import('vite').Plugin}
 */
export function preloadFonts() {
  return {
    name: 'moescope-fonts',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle }) =>
        Object.keys(bundle ?? {})
          .filter((name) => FIRST_FONTS.test(name))
          .map((name) => ({
            tag: 'link',
            injectTo: 'head',
            attrs: { rel: 'preload', href: `./${name}`, as: 'font', type: 'font/woff2', crossorigin: '' },
          })),
    },
  };
}

/**
 * Writes the list of the build's files into the service worker.
 * @returns {import('vite').Plugin}
 */
export function offlineFiles() {
  return {
    name: 'moescope-offline',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const worker = bundle[SERVICE_WORKER];
      if (worker?.type !== 'chunk') throw new Error(`${SERVICE_WORKER} was not built`);
      const hash = createHash('sha256');
      /** @type {string[]} */
      const shell = [];
      for (const [name, file] of Object.entries(bundle).sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (name === SERVICE_WORKER || name.endsWith('.map')) continue;
        shell.push(name);
        hash.update(name).update(file.type === 'chunk' ? file.code : file.source);
      }
      if (!shell.includes('index.html')) shell.push('index.html');
      /** @type {string[]} */
      const sample = [];
      for (const name of publicFiles()) {
        hash.update(name).update(readFileSync(join(ROOT, 'public', name)));
        (SAMPLE.test(name) ? sample : shell).push(name);
      }
      const list = { build: hash.digest('hex').slice(0, 16), shell, sample };
      worker.code = worker.code.replaceAll('__PRECACHE__', JSON.stringify(list));
    },
  };
}

/** @returns {string} */
function readHeaders() {
  return readFileSync(join(ROOT, 'public/_headers'), 'utf8');
}

/** @returns {readonly string[]} */
function publicFiles() {
  return readdirSync(join(ROOT, 'public'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(join(ROOT, 'public').length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((name) => !NOT_SERVED.test(name))
    .sort();
}
