import { createElement, Fragment, memo, type ReactElement } from 'react';
import { sameDrawing, type SvgNode } from '../plots/svg';
import { Later } from './Deferred';

/** Of a group of groups (the lines of a table, the layers of a way), so many are drawn in one task; a map has ten. */
const GROUPS_AT_ONCE = 12;

/** Renders a drawing of src/plots/. Groups that are as they were are not touched: a selection that moves costs what it draws. */
export const Scene = memo(function Scene({ node }: { readonly node: SvgNode }): ReactElement {
  return render(node, 0);
});

const Group = memo(
  ({ node }: { readonly node: SvgNode }): ReactElement => render(node, 0),
  (before, now) => sameDrawing(before.node, now.node),
);

function render(node: SvgNode, key: number): ReactElement {
  const properties: Record<string, string | number> = { key };
  for (const [name, value] of Object.entries(node.attributes)) properties[propertyName(name)] = value;
  const drawn = node.children.map((child, i) =>
    typeof child === 'string' ? child : child.tag === 'g' ? <Group key={i} node={child} /> : render(child, i),
  );
  if (drawn.length <= GROUPS_AT_ONCE || !node.children.every(isGroup)) {
    return createElement(node.tag, properties, ...drawn);
  }
  const slices = Array.from({ length: Math.ceil(drawn.length / GROUPS_AT_ONCE) }, (_, i) => (
    <Fragment key={i}>{drawn.slice(i * GROUPS_AT_ONCE, (i + 1) * GROUPS_AT_ONCE)}</Fragment>
  ));
  return createElement(node.tag, properties, <Later first={1}>{slices}</Later>);
}

function isGroup(child: SvgNode | string): boolean {
  return typeof child !== 'string' && child.tag === 'g';
}

const propertyNames = new Map<string, string>();

/** React's name of an SVG attribute: `class` and hyphenated names differ, ARIA and data do not. */
function propertyName(attribute: string): string {
  let name = propertyNames.get(attribute);
  if (name === undefined) {
    name =
      attribute === 'class'
        ? 'className'
        : attribute.startsWith('aria-') || attribute.startsWith('data-')
          ? attribute
          : attribute.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    propertyNames.set(attribute, name);
  }
  return name;
}
