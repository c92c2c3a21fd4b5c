import { createElement, memo, type ReactElement } from 'react';
import type { SvgNode } from '../plots/svg';

/** Renders a drawing of src/plots/. */
export const Scene = memo(function Scene({ node }: { readonly node: SvgNode }): ReactElement {
  return render(node, 0);
});

function render(node: SvgNode, key: number): ReactElement {
  const properties: Record<string, string | number> = { key };
  for (const [name, value] of Object.entries(node.attributes)) properties[propertyName(name)] = value;
  return createElement(
    node.tag,
    properties,
    ...node.children.map((child, i) => (typeof child === 'string' ? child : render(child, i))),
  );
}

/** React's name of an SVG attribute: `class` and hyphenated names differ, ARIA does not. */
function propertyName(attribute: string): string {
  if (attribute === 'class') return 'className';
  if (attribute.startsWith('aria-')) return attribute;
  return attribute.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
