import type { RoutingRow } from '../divergence/report';
import { routingIndex } from './trace-index';
import type { TraceView } from './trace-view';

/** A stretch of the prompt: verse, code, arithmetic. */
export interface PromptPart {
  /** The first words of it. */
  readonly title: string;
  /** Prompt positions, ascending. */
  readonly positions: readonly number[];
}

/** Where a prompt is cut. */
export const PART_WAYS = [
  { id: 'lines', title: 'by line' },
  { id: 'sentences', title: 'by sentence' },
  { id: 'thirds', title: 'in three' },
] as const;
export type PartWay = (typeof PART_WAYS)[number]['id'];

/** More parts than this are no comparison any more: neighbours are put together. */
const MOST_PARTS = 6;
/** Fewer tokens than this say nothing of which experts a part prefers. */
const FEWEST_TOKENS = 3;
const TITLE_LENGTH = 28;

/** Cuts the prompt's captured tokens into parts; a single part where the way finds no cut. */
export function selectParts(view: TraceView, way: PartWay): readonly PromptPart[] {
  const groups: number[][] = [[]];
  const third = Math.ceil(view.positions.length / 3);
  view.positions.forEach((position, i) => {
    groups.at(-1)?.push(position);
    const text = view.tokenTexts[position] ?? '';
    const cut = way === 'thirds' ? (i + 1) % third === 0 : way === 'lines' ? text.includes('\n') : /[.!?\n]/.test(text);
    if (cut) groups.push([]);
  });
  return merged(groups.filter((group) => group.length > 0)).map((positions) => ({
    title: titleOf(view, positions),
    positions,
  }));
}

/** The way that finds parts: lines where there are any, else sentences, else thirds. */
export function likelyWay(view: TraceView): PartWay {
  if (selectParts(view, 'lines').length > 1) return 'lines';
  return selectParts(view, 'sentences').length > 1 ? 'sentences' : 'thirds';
}

/** Small parts join their neighbour before; then the shortest pair of neighbours, until there are few enough. */
function merged(groups: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const parts: number[][] = [];
  for (const group of groups) {
    const before = parts.at(-1);
    if (before !== undefined && (group.length < FEWEST_TOKENS || before.length < FEWEST_TOKENS)) before.push(...group);
    else parts.push([...group]);
  }
  while (parts.length > MOST_PARTS) {
    let at = 0;
    const size = (i: number): number => (parts[i]?.length ?? 0) + (parts[i + 1]?.length ?? 0);
    for (let i = 1; i + 1 < parts.length; i++) if (size(i) < size(at)) at = i;
    parts.splice(at, 2, [...(parts[at] ?? []), ...(parts[at + 1] ?? [])]);
  }
  return parts;
}

function titleOf(view: TraceView, positions: readonly number[]): string {
  const text = positions
    .map((p) => view.tokenTexts[p] ?? '')
    .join('')
    .replace(/\s+/g, ' ')
    .trim();
  return text.length <= TITLE_LENGTH ? text : `${text.slice(0, TITLE_LENGTH - 1).trimEnd()}…`;
}

/** An expert that one part chooses far more often than the others. */
export interface TellingExpert {
  readonly layer: number;
  readonly expert: number;
  /** Share of the part's tokens, and of all other tokens, that chose it. */
  readonly share: number;
  readonly elsewhere: number;
}

/** How the parts differ in the experts that they choose; the reference's choices where there are any. */
export interface PartComparison {
  readonly parts: readonly PromptPart[];
  /** part -> layer (of the view) -> share of the part's tokens that chose each expert. */
  readonly shares: readonly (readonly (readonly number[] | undefined)[])[];
  /** What the halves (every other token) of two parts have in common of their choices, 0 to 1, mean over layers and pairs. */
  readonly between: number | undefined;
  /** The same of the two halves of one part: what chance and small numbers leave. */
  readonly within: number | undefined;
  /** Each part's most telling experts, the strongest first. */
  readonly telling: readonly (readonly TellingExpert[])[];
}

const TELLING = 4;

export function comparePartsOf(view: TraceView, parts: readonly PromptPart[]): PartComparison {
  const index = routingIndex(view.routing);
  const rows = view.layers.map((layer) => new Map(index.layer(layer).map((row) => [row.position, row])));
  const shares = parts.map(({ positions }) => rows.map((layer) => shareOf(layer, positions, view.nExpert)));
  const halves = parts.map(({ positions }) =>
    [0, 1].map((odd) =>
      rows.map((layer) =>
        shareOf(
          layer,
          positions.filter((_, i) => i % 2 === odd),
          view.nExpert,
        ),
      ),
    ),
  );
  const between: number[] = [];
  for (let i = 0; i < parts.length; i++) {
    for (let j = 0; j < i; j++) {
      // Halves here too: few tokens have little in common by chance alone, and both figures must suffer alike.
      for (const x of halves[i] ?? []) for (const y of halves[j] ?? []) between.push(...commonOf(x, y));
    }
  }
  const within = halves.flatMap(([x = [], y = []]) => commonOf(x, y));
  return {
    parts,
    shares,
    between: meanOf(between),
    within: meanOf(within),
    telling: parts.map((_, i) => tellingOf(view, parts, shares, i)),
  };
}

function shareOf(
  layer: ReadonlyMap<number, RoutingRow>,
  positions: readonly number[],
  nExpert: number,
): readonly number[] | undefined {
  const counts = new Array<number>(nExpert).fill(0);
  let tokens = 0;
  for (const position of positions) {
    const row = layer.get(position);
    const choice = row?.b ?? row?.a;
    if (choice === undefined) continue;
    tokens++;
    for (const expert of choice.experts) counts[expert] = (counts[expert] ?? 0) + 1;
  }
  return tokens === 0 ? undefined : counts.map((n) => n / tokens);
}

/** For each layer: sum of the smaller of two shares, over the sum of one. */
function commonOf(
  x: readonly (readonly number[] | undefined)[],
  y: readonly (readonly number[] | undefined)[],
): readonly number[] {
  return x.flatMap((shares, l) => {
    const other = y[l];
    if (shares === undefined || other === undefined) return [];
    const total = shares.reduce((sum, s) => sum + s, 0);
    return total === 0 ? [] : [shares.reduce((sum, s, e) => sum + Math.min(s, other[e] ?? 0), 0) / total];
  });
}

function tellingOf(
  view: TraceView,
  parts: readonly PromptPart[],
  shares: PartComparison['shares'],
  own: number,
): readonly TellingExpert[] {
  const found: TellingExpert[] = [];
  const others = parts.reduce((n, part, i) => (i === own ? n : n + part.positions.length), 0);
  view.layers.forEach((layer, l) => {
    shares[own]?.[l]?.forEach((share, expert) => {
      const elsewhere = parts.reduce(
        (sum, part, i) => (i === own ? sum : sum + (shares[i]?.[l]?.[expert] ?? 0) * part.positions.length),
        0,
      );
      found.push({ layer, expert, share, elsewhere: others === 0 ? 0 : elsewhere / others });
    });
  });
  return found.sort((x, y) => y.share - y.elsewhere - (x.share - x.elsewhere)).slice(0, TELLING);
}

function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((x, y) => x + y, 0) / values.length;
}
