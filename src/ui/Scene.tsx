import { createElement, memo, type ReactElement } from 'react';
import { sameDrawing, type SvgNode } from '../plots/svg';

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
  return createElement(
    node.tag,
    properties,
    ...node.children.map((child, i) =>
      typeof child === 'string' ? child : child.tag === 'g' ? <Group key={i} node={child} /> : render(child, i),
    ),
  );
}

const propertyNames = new Map<string, string>();

/** React's name of an SVG attribute: `class` and hyphenated names differ, ARIA does not. */
function propertyName(attribute: string): string {
  let name = propertyNames.get(attribute);
  if (name === undefined) {
    name =
      attribute === 'class'
        ? 'className'
        : attribute.startsWith('aria-')
          ? attribute
          : attribute.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    propertyNames.set(attribute, name);
  }
  return name;
}
