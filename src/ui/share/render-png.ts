import { fail } from '../../base/errors';
import type { SvgNode } from '../../plots/svg';
import type { Picture } from '../../share/picture';
import { fontOf, paintPicture } from './paint-picture';

/** The picture as PNG, `scale` pixels a layout unit. @throws TracerError `internal` where the browser gives no canvas of that size */
export async function renderPng(picture: Picture, scale: number): Promise<Blob> {
  await loadFaces(picture.root);
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const context = canvas.getContext('2d');
  if (context === null) throw noCanvas(picture);
  context.scale(scale, scale);
  paintPicture(picture.root, context);
  const blob = await new Promise<Blob | null>((done) => {
    canvas.toBlob(done, 'image/png');
  });
  if (blob === null) throw noCanvas(picture);
  return blob;
}

/** The page may not have used every face yet; a canvas does not wait for them. */
async function loadFaces(root: SvgNode): Promise<void> {
  const fonts = new Set<string>();
  const visit = (node: SvgNode, family: string | number): void => {
    const own = node.attributes['font-family'] ?? family;
    fonts.add(fontOf({ ...node.attributes, 'font-size': 16, 'font-family': own }));
    for (const child of node.children) if (typeof child !== 'string') visit(child, own);
  };
  visit(root, 'sans-serif');
  // Without a face the picture is painted in the next one of its list.
  await Promise.allSettled([...fonts].map((font) => document.fonts.load(font)));
}

function noCanvas({ width, height }: Picture): Error {
  return fail(
    'internal',
    'The browser gave no canvas for the picture.',
    'Save the SVG instead; close other tabs if memory is short.',
    { width, height },
  );
}
