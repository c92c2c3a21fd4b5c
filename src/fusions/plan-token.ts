import {
  LAYER_INPUT,
  rowLength,
  sectionsOf,
  type ModelGraph,
  type Node,
  type Section,
  type Value,
} from '../arch/graph';
import type { AttentionMethod } from './attention/attention-plan';
import type { Mismatch } from './cover';
import { formWords, type Placed } from './forms';
import type { Angles, FusedDispatch, FusedNodes, PlanFacts, Written } from './fusion';
import { FUSIONS } from './fusions';

/** Fused nodes and where their values lie. */
export interface PlannedNodes extends FusedNodes {
  /** The buffer of values that it reads or writes. */
  readonly buffer: (placed: Placed) => string;
  /** Its dispatches, with attention by a method. */
  dispatchesIn(method: AttentionMethod): readonly FusedDispatch[];
}

/** A token's forward pass as fused kernels, in order. */
export interface TokenPlan {
  readonly graph: ModelGraph;
  readonly parts: readonly PlannedNodes[];
  /** Words of each buffer between kernels. Layers share them. */
  readonly buffers: ReadonlyMap<string, number>;
  /** Where the logits lie, and how many there are. */
  readonly logits: { readonly buffer: string; readonly stage: string; readonly count: number };
  /** What `step` holds the rotary angles of; undefined where nothing is rotated. */
  readonly angles: Angles | undefined;
}

/** The first node that no fusion covers. */
export interface Uncovered {
  readonly uncovered: Node;
  readonly layer: number | undefined;
  readonly reason: string;
}

/** Walks the graph and takes the largest covers that fit. */
export function planToken(facts: PlanFacts): TokenPlan | Uncovered {
  const { graph } = facts;
  const parts: PlannedNodes[] = [];
  const buffers = new Map<string, number>();
  const all: Angles[] = [];
  /** Which of two buffers holds the stream between sections. */
  let side = 0;
  let handed: Written | undefined;
  let logits: TokenPlan['logits'] | undefined;
  for (const section of sectionsOf(graph)) {
    const there = new Map<string, Written>();
    if (handed !== undefined && section.input !== undefined) {
      const entering = { ...handed, values: [section.input] };
      there.set(keyOf(entering), entering);
    }
    const covers = coverSection(section, facts);
    if ('uncovered' in covers) return covers;
    const last = covers.at(-1);
    const readsInput = last?.reads.some(({ values }) => values.some(({ id }) => id === LAYER_INPUT)) === true;
    const isHead = section === graph.head;
    const entry = side;
    if (readsInput) side = 1 - side;
    const exit = side;
    const buffer = ({ form, values }: Placed): string => {
      const names = values.map(({ id }) =>
        id === LAYER_INPUT ? `residual ${entry}` : id === section.output.id && !isHead ? `residual ${exit}` : id,
      );
      return `${form} ${names.join(' ')}`;
    };
    for (const one of covers) {
      const squares = (value: Value): number => there.get(keyOf({ form: 'stream', values: [value] }))?.squares ?? NaN;
      const missing = one.reads.find((placed) => !there.has(keyOf(placed)));
      if (missing !== undefined) {
        const ids = missing.values.map(({ id }) => id).join(', ');
        return uncovered(
          section,
          one.nodes[0],
          `its fused kernel reads ${ids} as ${missing.form}, and nothing writes that`,
        );
      }
      for (const written of one.writes) {
        there.set(keyOf(written), written);
        const words = formWords(written, graph.sizes);
        buffers.set(buffer(written), Math.max(words, buffers.get(buffer(written)) ?? 0));
      }
      all.push(...one.angles);
      const other = one.angles.find(({ theta, headDim }) => theta !== all[0]?.theta || headDim !== all[0].headDim);
      if (other !== undefined)
        return uncovered(section, one.nodes[0], 'its angles are not those of the layers before it');
      parts.push({ ...one, buffer, dispatchesIn: (method) => one.dispatches({ method, squares }) });
    }
    const lost = stateLost(section, covers);
    if (lost !== undefined) return uncovered(section, lost, 'no fused kernel keeps its state');
    handed = [...there.values()].find(({ values: [value] }) => value?.id === section.output.id);
    if (handed === undefined) throw new RangeError(`nothing hands over ${section.output.id}`);
    if (isHead) {
      const count = rowLength(section.output, graph.sizes, 1);
      logits = { buffer: buffer(handed), stage: section.output.id, count };
    }
  }
  if (logits === undefined) throw new RangeError('a graph without a head');
  return { graph, parts, buffers, logits, angles: all[0] };
}

function coverSection(section: Section, facts: PlanFacts): readonly FusedNodes[] | Uncovered {
  const covers: FusedNodes[] = [];
  for (let at = 0; at < section.nodes.length;) {
    const next = largestAt(section, at, facts);
    if ('reason' in next) return uncovered(section, next.node, next.reason);
    covers.push(next);
    at += next.nodes.length;
  }
  return covers;
}

/** The largest first. */
const BY_SIZE = FUSIONS.toSorted((a, b) => b.covers.length - a.covers.length);

/** The largest fusion that fits; else why the one did not that came furthest. */
function largestAt(section: Section, at: number, facts: PlanFacts): FusedNodes | Mismatch {
  let nearest: Mismatch | undefined;
  for (const fusion of BY_SIZE) {
    const fitted = fusion.fit(section, at, facts);
    if (!('reason' in fitted)) return fitted;
    if (nearest === undefined || fitted.depth > nearest.depth) nearest = fitted;
  }
  const [node] = section.nodes.slice(at);
  if (nearest === undefined || node === undefined) throw new RangeError('no fusions, or no node');
  return nearest.depth > 0 ? nearest : { node, reason: `none begins with ${node.op}`, depth: 0 };
}

/** A node whose value is state that no fused kernel appends. */
function stateLost(section: Section, covers: readonly FusedNodes[]): Node | undefined {
  const kept = new Set(covers.flatMap(({ appends }) => appends.map(({ name }) => name)));
  return section.nodes.find(({ writes }) => writes !== undefined && !kept.has(writes.name));
}

function uncovered(section: Section, node: Node | undefined, reason: string): Uncovered {
  if (node === undefined) throw new RangeError('a cover of nothing');
  return { uncovered: node, layer: section.layer, reason };
}

function keyOf({ form, values }: Placed): string {
  return `${form} ${values.map(({ id }) => id).join(' ')}`;
}
