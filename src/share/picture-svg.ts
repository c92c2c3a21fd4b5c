import { svg, svgText } from '../plots/svg';
import type { Picture } from './picture';
import { packView, type SharedView } from './shared-view';

/** The namespace of the element that carries the view in an SVG. A name, nothing is fetched from it. */
export const NAMESPACE = 'urn:moescope:view';

/** A picture as an SVG document, with the view in its metadata. */
export function pictureSvg(picture: Picture, shared: SharedView): string {
  const { root, title, description } = picture;
  const named = {
    ...root,
    attributes: { ...root.attributes, role: 'img', 'aria-labelledby': 'moescope-title moescope-desc' },
    children: [
      svg('title', { id: 'moescope-title' }, title),
      svg('desc', { id: 'moescope-desc' }, description),
      svg('metadata', {}, svg('moescope:view', { 'xmlns:moescope': NAMESPACE }, packView(shared))),
      ...root.children,
    ],
  };
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svgText(named)}`;
}
