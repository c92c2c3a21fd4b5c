import type { Section } from '../arch/graph';
import { attentionTiled, type TiledAttention } from './attention-tiled/fusion';
import type { RowsFacts } from './rows-fusion';
import { sideBySide, type JoinedProducts } from './side-by-side/fusion';

export type RowsCover = TiledAttention | JoinedProducts;

/** THE FUSIONS of a step of many rows. No two begin with the same operation. */
export const ROWS_FUSIONS = [attentionTiled, sideBySide] as const;

/** The cover of each node that one has, by the id of its value; what none covers is its operation's own kernel's. */
export function coverRows(section: Section, facts: RowsFacts): ReadonlyMap<string, RowsCover> {
  const covers = new Map<string, RowsCover>();
  for (const [at, { out }] of section.nodes.entries()) {
    if (covers.has(out.id)) continue;
    for (const fusion of ROWS_FUSIONS) {
      const fitted = fusion.fit(section, at, facts);
      if ('reason' in fitted) continue;
      for (const node of fitted.nodes) covers.set(node.out.id, fitted);
    }
  }
  return covers;
}
