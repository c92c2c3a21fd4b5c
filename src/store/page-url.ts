import type { PageSource } from '../worker/page-source';

/** The models that the page's address asks for: `?model=URL`, once a part of a split file. Relative to the page. */
export function sourcesOfUrl(href: string): readonly PageSource[] {
  const page = new URL(href);
  return page.searchParams
    .getAll('model')
    .filter((model) => model.trim() !== '')
    .map((model) => sourceOf(model, href));
}

/** The recorded case that the page's address asks for: `?case=NAME`, a picture with its run in it, among the page's own files. */
export function caseOfUrl(href: string): PageSource | undefined {
  const name = new URL(href).searchParams.get('case') ?? '';
  return /^[a-z0-9-]{1,60}$/.test(name) ? sourceOf(`cases/${name}.svg`, href) : undefined;
}

/** A model by its address. @param href of the page, which the address may be relative to */
export function sourceOf(address: string, href: string): PageSource {
  return { kind: 'http', url: URL.canParse(address, href) ? new URL(address, href).href : address };
}

/** How a source is called in a headline. */
export function sourceName(source: PageSource): string {
  switch (source.kind) {
    case 'blob':
    case 'memory':
      return source.name;
    case 'path':
      return lastSegment(source.path);
    case 'http':
      return lastSegment(source.url.split(/[?#]/)[0] ?? source.url);
  }
}

function lastSegment(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  return parts[parts.length - 1] ?? path;
}
