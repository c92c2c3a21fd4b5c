import { svg, svgText, type SvgNode } from '../plots/svg';
import type { Picture } from './picture';
import { packView, type SharedView } from './shared-view';

/** The namespace of the element that carries the view in an SVG. A name, nothing is fetched from it. */
export const NAMESPACE = 'urn:moescope:view';

/** A picture as an SVG document, with the view in its metadata. */
export function pictureSvg(picture: Picture, shared: SharedView): string {
  return document(picture, [
    svg('metadata', {}, svg('moescope:view', { 'xmlns:moescope': NAMESPACE }, packView(shared))),
  ]);
}

/** A picture as an SVG document that holds no run. */
export function plainSvg(picture: Picture): string {
  return document(picture, []);
}

function document({ root, title, description }: Picture, metadata: readonly SvgNode[]): string {
  const named = {
    ...root,
    attributes: { ...root.attributes, role: 'img', 'aria-labelledby': 'moescope-title moescope-desc' },
    children: [
      svg('title', { id: 'moescope-title' }, title),
      svg('desc', { id: 'moescope-desc' }, description),
      ...metadata,
      ...root.children,
    ],
  };
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svgText(named)}`;
}
