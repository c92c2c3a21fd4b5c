import type { SvgNode } from '../../plots/svg';

/** What painting needs of a 2D context. */
export type Painter = Pick<
  CanvasRenderingContext2D,
  | 'save'
  | 'restore'
  | 'translate'
  | 'beginPath'
  | 'moveTo'
  | 'lineTo'
  | 'arc'
  | 'fill'
  | 'stroke'
  | 'fillRect'
  | 'strokeRect'
  | 'fillText'
  | 'measureText'
  | 'setLineDash'
> & {
  fillStyle: CanvasRenderingContext2D['fillStyle'];
  strokeStyle: CanvasRenderingContext2D['strokeStyle'];
  lineWidth: number;
  lineJoin: CanvasLineJoin;
  globalAlpha: number;
  font: string;
};

type Attributes = Readonly<Record<string, string | number>>;

/**
 * Paints a picture of src/share/ on a canvas: the page's own faces, no detour over an image element, which would know neither them nor
 * the page's policy. Knows what pictures are made of: rect, line, circle, path, text with tspans, g with a translation.
 */
export function paintPicture(node: SvgNode, painter: Painter, around: Attributes = {}): void {
  const attributes = { ...inherited(around), ...node.attributes };
  painter.save();
  painter.globalAlpha *= number(node.attributes, 'opacity', 1);
  switch (node.tag) {
    case 'svg':
    case 'g': {
      const shift = /^translate\((-?[\d.]+)[ ,](-?[\d.]+)\)$/.exec(String(node.attributes['transform'] ?? ''));
      if (shift !== null) painter.translate(Number(shift[1]), Number(shift[2]));
      for (const child of node.children) if (typeof child !== 'string') paintPicture(child, painter, attributes);
      break;
    }
    case 'rect':
      paintRect(attributes, painter);
      break;
    case 'line':
      painter.beginPath();
      painter.moveTo(number(attributes, 'x1'), number(attributes, 'y1'));
      painter.lineTo(number(attributes, 'x2'), number(attributes, 'y2'));
      stroke(attributes, painter);
      break;
    case 'circle':
      painter.beginPath();
      painter.arc(number(attributes, 'cx'), number(attributes, 'cy'), number(attributes, 'r'), 0, 2 * Math.PI);
      if (fill(attributes, painter)) painter.fill();
      stroke(attributes, painter);
      break;
    case 'path': {
      const path = new Path2D(String(attributes['d'] ?? ''));
      if (fill(attributes, painter)) painter.fill(path);
      stroke(attributes, painter, path);
      break;
    }
    case 'text':
      paintText(node, attributes, painter);
      break;
  }
  painter.restore();
}

/** What elements take over from those around them. */
function inherited(around: Attributes): Attributes {
  const names = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-family', 'font-size', 'font-weight'];
  return Object.fromEntries(Object.entries(around).filter(([name]) => names.includes(name)));
}

function paintRect(attributes: Attributes, painter: Painter): void {
  const box = (['x', 'y', 'width', 'height'] as const).map((name) => number(attributes, name));
  const [x = 0, y = 0, width = 0, height = 0] = box;
  if (fill(attributes, painter)) painter.fillRect(x, y, width, height);
  if (prepareStroke(attributes, painter)) painter.strokeRect(x, y, width, height);
}

interface Piece {
  readonly text: string;
  readonly attributes: Attributes;
  readonly dx: number;
  readonly dy: number;
}

function paintText(node: SvgNode, attributes: Attributes, painter: Painter): void {
  const pieces = node.children.map((child): Piece => {
    if (typeof child === 'string') return { text: child, attributes, dx: 0, dy: 0 };
    const text = child.children.filter((c) => typeof c === 'string').join('');
    const own = { ...attributes, ...child.attributes };
    return { text, attributes: own, dx: number(child.attributes, 'dx'), dy: number(child.attributes, 'dy') };
  });
  const widths = pieces.map((piece) => {
    painter.font = fontOf(piece.attributes);
    return piece.dx + painter.measureText(piece.text).width;
  });
  const total = widths.reduce((sum, width) => sum + width, 0);
  const anchor = String(attributes['text-anchor'] ?? 'start');
  let x = number(attributes, 'x') - (anchor === 'end' ? total : anchor === 'middle' ? total / 2 : 0);
  let y = number(attributes, 'y');
  pieces.forEach((piece, i) => {
    y += piece.dy;
    painter.font = fontOf(piece.attributes);
    fill(piece.attributes, painter);
    painter.fillText(piece.text, x + piece.dx, y);
    x += widths[i] ?? 0;
  });
}

/** `600 14px 'IBM Plex Sans', sans-serif` */
export function fontOf(attributes: Attributes): string {
  const weight = String(attributes['font-weight'] ?? 400);
  return `${weight} ${String(number(attributes, 'font-size', 16))}px ${String(attributes['font-family'] ?? 'sans-serif')}`;
}

/** False where there is nothing to fill. SVG fills black unless told otherwise. */
function fill(attributes: Attributes, painter: Painter): boolean {
  const colour = String(attributes['fill'] ?? '#000000');
  if (colour === 'none') return false;
  painter.fillStyle = colour;
  painter.globalAlpha *= number(attributes, 'fill-opacity', 1);
  return true;
}

function prepareStroke(attributes: Attributes, painter: Painter): boolean {
  const colour = String(attributes['stroke'] ?? 'none');
  if (colour === 'none') return false;
  painter.strokeStyle = colour;
  painter.lineWidth = number(attributes, 'stroke-width', 1);
  painter.lineJoin = attributes['stroke-linejoin'] === 'round' ? 'round' : 'miter';
  const dashes = String(attributes['stroke-dasharray'] ?? '');
  painter.setLineDash(dashes === '' ? [] : dashes.split(/[ ,]+/).map(Number));
  return true;
}

function stroke(attributes: Attributes, painter: Painter, path?: Path2D): void {
  if (!prepareStroke(attributes, painter)) return;
  if (path === undefined) painter.stroke();
  else painter.stroke(path);
}

function number(attributes: Attributes, name: string, otherwise = 0): number {
  const value = attributes[name];
  return value === undefined ? otherwise : Number(value);
}
