import { rowLength, sizeOf, type Node, type Section, type StateSlot } from '../../arch/graph';
import { isByKey, isStreamed, lastUses, leadingNodes, neededNodes } from '../../arch/walk';
import { chosenBy, choosesWeights } from '../../arch/graph';
import { checkForcedExperts } from '../../model/check-step';
import type { Capture } from '../../model/engine';
import type { ExactOutput } from '../../ops/exact-op';
import { captureOf } from './capture';
import { operationOf, type Operation, type RowChoice } from './node-context';
import { capturedPositions, type Step } from './step';
import { ownValues, type OwnValues, type SectionValues } from './values';
import type { LayerState } from './state-cache';

/** What a section's nodes computed. */
export interface SectionResult {
  readonly captures: readonly Capture[];
  /** What it hands over, where it was asked for. */
  readonly output: Float64Array<ArrayBuffer> | undefined;
}

/**
 * Computes a section from what it is handed: each node in order, values let go behind their last reader. Streamed values are computed only
 * where they are captured, and so is what nothing reads (the head): it may be the largest product of all.
 * @param next the section behind, whose weights may be read meanwhile
 */
export async function runSection(
  step: Step,
  section: Section,
  input: Float64Array<ArrayBuffer> | undefined,
  state: LayerState | undefined,
  next: Section | undefined,
): Promise<SectionResult> {
  const values = ownValues(input, state, step.nPast);
  const isLast = section === step.graph.head;
  const captured = new Set(
    section.nodes.map((node) => node.out.id).filter((id) => capturedPositions(step, id).length > 0),
  );
  const nodes = neededNodes(section, captured, !isLast);
  const release = lastUses(section);
  if (section.layer !== undefined) for (const node of nodes) expectMatrix(step, node);
  const captures: Capture[] = [];
  let output: Float64Array<ArrayBuffer> | undefined;
  for (const node of nodes) {
    const rows: RowChoice = isLast && node.out.id === section.output.id ? capturedPositions(step, node.out.id) : 'all';
    const computed = await compute(step, section, node, values, rows, captured.has(node.out.id));
    if (computed !== undefined) {
      const captured = await captureOf(step, node, section.layer, computed.output, computed.rows, computed.bound);
      if (captured !== undefined) captures.push(captured);
      const held = computed.output.values;
      if (!isStreamed(node.out)) {
        values.keep(node.out, held);
        if (node.writes !== undefined && held instanceof Float64Array) write(step, node.writes, held, values, state);
      }
      if (node.out.id === section.output.id && held instanceof Float64Array) output = held;
      if (held instanceof Uint32Array) expectExperts(step, section, node, held, next);
    }
    for (const id of release.get(node.out.id) ?? []) values.release(id);
    if (step.pause.due()) await step.pause.yieldToEventLoop();
  }
  values.commit(step.nPast + step.tokens.length);
  return { captures, output };
}

/** Keeps what a step appends to a state: all of it, or as much as its readers reach. */
function write(
  step: Step,
  slot: StateSlot,
  rows: Float64Array<ArrayBuffer>,
  values: OwnValues,
  state: LayerState | undefined,
): void {
  if (slot.reach === undefined) {
    values.state(slot).set(rows, (step.nPast * rows.length) / step.tokens.length);
    return;
  }
  const before = state?.tail(slot, step.nPast) ?? new Float64Array(0);
  const all = new Float64Array(before.length + rows.length);
  all.set(before);
  all.set(rows, before.length);
  values.leave(slot, all.slice(Math.max(0, all.length - (slot.reach * rows.length) / step.tokens.length)));
}

/** Computes each captured node of a section alone, of the values that it is given. */
export async function isolateSection(step: Step, section: Section, values: SectionValues): Promise<readonly Capture[]> {
  const captures: Capture[] = [];
  for (const node of section.nodes) {
    const positions = capturedPositions(step, node.out.id);
    if (positions.length === 0) continue;
    // What is captured at some positions may have its inputs there alone.
    const rows: RowChoice = positions.length === step.tokens.length ? 'all' : positions;
    const computed = await compute(step, section, node, values, rows, true);
    const captured =
      computed && (await captureOf(step, node, section.layer, computed.output, computed.rows, computed.bound));
    if (captured !== undefined) captures.push(captured);
    if (step.pause.due()) await step.pause.yieldToEventLoop();
  }
  return captures;
}

interface Computed {
  readonly output: ExactOutput;
  /** Rows of the output: all, or only those that are captured. */
  readonly rows: 'all' | 'captured';
  readonly bound: Float64Array<ArrayBuffer> | undefined;
}

/** Undefined for streamed values that are not captured. */
async function compute(
  step: Step,
  section: Section,
  node: Node,
  values: SectionValues,
  rows: RowChoice,
  captured: boolean,
): Promise<Computed | undefined> {
  if (isStreamed(node.out) && !captured) return undefined;
  const operation = operationOf(step, section, node, values, rows);
  const { op, context } = operation;
  const output = isStreamed(node.out)
    ? await capturedRows(operation, isByKey(node.out) ? sizeOf(step.graph.sizes, node.out.axes[1] ?? '') : 1)
    : (forcedExperts(step, section, node) ?? (await op.exact?.(context)));
  if (output === undefined) return undefined;
  const bound = step.options.bounds === true && captured ? await op.bound(context, output) : undefined;
  return { output, rows: isStreamed(node.out) || rows !== 'all' ? 'captured' : 'all', bound };
}

/** (captured, ...) of a streamed value. */
async function capturedRows({ op, context }: Operation, heads: number): Promise<ExactOutput | undefined> {
  const rows = await op.keyRows?.(context);
  if (rows === undefined) return undefined;
  const width = rowLength(context.node.out, context.sizes, context.nKeys) / heads;
  const values = new Float64Array(context.wanted.length * heads * width);
  try {
    let at = 0;
    for (const token of context.wanted) {
      for (let head = 0; head < heads; head++, at += width) {
        rows.row(token, head, width, values, at);
        if (context.pause.due()) await context.pause.yieldToEventLoop();
      }
    }
  } finally {
    rows.release();
  }
  return { values };
}

/** The caller's experts, where the step forces them. @throws TracerError `internal` when they do not fit the step */
function forcedExperts(step: Step, section: Section, node: Node): ExactOutput | undefined {
  const { forcedExperts: forced } = step.options;
  if (forced === undefined || !choosesWeights(section, node.out)) return undefined;
  checkForcedExperts(forced, step.tokens.length, {
    nExpert: sizeOf(step.graph.sizes, node.inputs[0]?.axes.at(-1) ?? ''),
    nExpertUsed: sizeOf(step.graph.sizes, node.out.axes.at(-1) ?? ''),
  });
  return { values: forced.slice() };
}

/** Lets a dense matrix be read ahead. */
function expectMatrix(step: Step, node: Node): void {
  if (node.op === 'linear') for (const slot of node.weights) step.weights.expectMatmul(slot);
}

/** Once experts are chosen it is known what the section still reads; then comes the beginning of the next one. */
function expectExperts(
  step: Step,
  section: Section,
  chosen: Node,
  experts: Uint32Array,
  next: Section | undefined,
): void {
  for (const node of section.nodes) {
    if (chosenBy(node)?.id !== chosen.out.id) continue;
    for (const slot of node.weights) step.weights.expectExperts(slot, experts);
  }
  if (next?.layer === undefined) return;
  for (const node of leadingNodes(next)) expectMatrix(step, node);
}
