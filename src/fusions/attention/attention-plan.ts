import type { CommonSizes } from '../../arch/define-arch';
import type { KernelSpec, KernelVariant } from '../../ops/kernel-spec';
import { ATTENTION, ATTENTION_SHARED, ATTENTION_LANE_GROUPS } from './kernel';
import type { Rescales } from '../../base/f32-error';

/** Keys of the smallest split. */
const TILE_KEYS = 64;
/** Keys up to which attention by single heads is not split: what joining costs, a workgroup's second tile does not. */
const WHOLE_KEYS = 128;
/** Most splits of single heads. */
const HEAD_SPLITS = 32;
/** Most splits of any method. */
export const MOST_SPLITS = 64;
/** Most heads that share keys in a workgroup, and channels of them together; `shaders/fusions/attention_shared.wgsl` says why. */
const SHARED_HEADS = 8;
const SHARED_CHANNELS = 1024;
/** Columns of four channels of all its heads that a lane of `shaders/fusions/attention_lane_groups.wgsl` has room for. */
const LANE_COLUMNS = 8;
/** Columns that a workgroup of that kernel leaves in its memory, for one head of each lane group: 8 KiB. */
const GROUP_COLUMNS = 512;

/** Keys by tiles in a workgroup, each head on its own (`single`) or the heads of a group together (`shared`). */
export interface TilesMethod {
  readonly kernel: 'single' | 'shared';
  readonly splits: number;
}

/** Keys by lane groups. */
export interface LaneGroupsMethod {
  readonly kernel: 'lane-groups';
  readonly splits: number;
  /** Lanes that share a subgroup. */
  readonly lanes: 4 | 8 | 16 | 32;
  /** Most heads that take a key together. */
  readonly heads: 1 | 2 | 4 | 8;
}

/** How keys are read, and into how many splits they are cut at most. */
export type AttentionMethod = TilesMethod | LaneGroupsMethod;

/** From so many keys on, this method. */
export interface AttentionStep {
  readonly from: number;
  readonly method: AttentionMethod;
}

/** Steps by ascending numbers of keys, the first from 1 on. */
export type AttentionChoice = readonly AttentionStep[];

/** Heads on their own, by tiles: any adapter runs it at any length. */
export const SINGLE_HEADS: AttentionChoice = [
  { from: 1, method: { kernel: 'single', splits: 1 } },
  { from: WHOLE_KEYS + 1, method: { kernel: 'single', splits: HEAD_SPLITS } },
];

/** How attention over some number of keys runs. */
export interface AttentionPlan {
  readonly method: AttentionMethod;
  /** Splits, of which the last may be shorter. */
  readonly count: number;
  /** Keys of a split, whole tiles. */
  readonly keys: number;
}

type Heads = Pick<CommonSizes, 'nHead' | 'nHeadKv' | 'headDim'>;

/**
 * How often sums are scaled anew at most: every kernel takes eight keys at once before it looks for a larger score; and for the token's own key, where
 * lanes are joined, and splits.
 */
export const RESCALES: Rescales = { everyKeys: 8, more: 3 };

/** A function of shapes, choice and the number of keys alone, as the order of sums has to be. Heads that a method cannot take are {@link SINGLE_HEADS}. */
export function attentionPlan(
  { headDim }: Pick<Heads, 'headDim'>,
  choice: AttentionChoice,
  nKeys: number,
): AttentionPlan {
  const chosen = stepAt(choice, nKeys);
  const method = takes(headDim, chosen) ? chosen : stepAt(SINGLE_HEADS, nKeys);
  const pieces = cut(nKeys, method.splits);
  // The kernel of single heads leaves the whole where there is one split, and nothing to join.
  if (method.kernel === 'single' && pieces.count === 1) return { method: { ...method, splits: 1 }, ...pieces };
  return { method, ...pieces };
}

/** Numbers of keys up to `nKeys` from which on the way may be another, ascending. */
export function turnsUpTo(choice: AttentionChoice, nKeys: number): readonly number[] {
  const turns = [...SINGLE_HEADS, ...choice].map(({ from }) => from).filter((from) => from <= nKeys);
  return [...new Set(turns)].toSorted((a, b) => a - b);
}

/** The methods that plans up to `nKeys` keys take. */
export function methodsUpTo(heads: Pick<Heads, 'headDim'>, choice: AttentionChoice, nKeys: number): AttentionMethod[] {
  const methods = turnsUpTo(choice, nKeys).map((from) => attentionPlan(heads, choice, from).method);
  return [...new Map(methods.map((method) => [methodName(method), method])).values()];
}

/** Tells methods apart, and is shown. */
export function methodName(method: AttentionMethod): string {
  const heads = method.kernel === 'lane-groups' ? ` of ${method.lanes} lanes, ${method.heads} heads` : '';
  return `${method.kernel}${heads}, ${method.splits} splits`;
}

/** Whether splits are joined in a dispatch of their own. The shared kernel leaves even one to be joined. */
export function isJoined({ kernel, splits }: AttentionMethod): boolean {
  return kernel === 'shared' || splits > 1;
}

/** A method's kernel, specialised, and the width of its grid, whose height are the splits. */
export interface AttentionKernel {
  readonly kernel: KernelSpec;
  readonly variant: KernelVariant;
  readonly width: number;
}

/** What becomes of queries and keys before they meet. */
export interface HeadKind {
  /** Whether each is normed. */
  readonly isNormed: boolean;
  readonly pairing: 'neox' | 'norm';
}

const NORMED_HALVES: HeadKind = { isNormed: true, pairing: 'neox' };

export function attentionKernel(
  heads: Heads,
  method: AttentionMethod,
  kind: HeadKind = NORMED_HALVES,
): AttentionKernel {
  const { kernel, variant, width } = kernelOf(heads, method);
  const { isNormed, pairing } = kind;
  const words = [...(isNormed ? [] : ['no norms']), ...(pairing === 'neox' ? [] : ['pairs of neighbours'])];
  if (words.length === 0) return { kernel, variant, width };
  const constants = { ...variant.constants, NORMS: isNormed ? 1 : 0, NEIGHBOURS: pairing === 'norm' ? 1 : 0 };
  return { kernel, variant: { ...variant, id: [variant.id, ...words].join(', '), constants }, width };
}

function kernelOf(heads: Heads, method: AttentionMethod): AttentionKernel {
  const { nHead, headDim } = heads;
  if (method.kernel === 'lane-groups') {
    const { id, constants, width } = piecesOf(heads, mostOfGroups(headDim, method));
    const lanes = laneGroupLanes(headDim, method.lanes);
    const group = workgroupLanes(headDim, lanes);
    const variant: KernelVariant = {
      id: `${id}: ${group} lanes, ${lanes} a lane group`,
      includes: { totals: 'fusions/lib/totals_subgroup.wgsl' },
      constants: { ...constants, LANES: lanes, GROUP: group },
      feature: 'subgroups',
    };
    return { kernel: ATTENTION_LANE_GROUPS, variant, width };
  }
  if (method.kernel === 'shared') {
    const { id, constants, width } = piecesOf(heads, mostShared(headDim));
    return { kernel: ATTENTION_SHARED, variant: { id, constants }, width };
  }
  const variant = { id: `heads of ${headDim}`, constants: { HEAD_DIM: headDim } };
  return { kernel: ATTENTION, variant, width: nHead };
}

/** The heads of each key-value head, cut into as few equal pieces as hold at most so many. */
function piecesOf({ nHead, nHeadKv, headDim }: Heads, most: number) {
  const perKv = nHead / nHeadKv;
  const pieces = Math.ceil(perKv / Math.max(1, most));
  const together = Math.ceil(perKv / pieces);
  return {
    id: `${together} heads of ${headDim}`,
    constants: { HEAD_DIM: headDim, HEADS: together },
    width: nHeadKv * pieces,
  };
}

/** How attention_join.wgsl is specialised for a method that is split. */
export function joinVariant({ splits }: AttentionMethod): KernelVariant {
  const most = [8, 32].find((n) => splits <= n) ?? MOST_SPLITS;
  return { id: `${most} splits`, constants: { MOST_SPLITS: most } };
}

function stepAt(choice: AttentionChoice, nKeys: number): AttentionMethod {
  const step = choice.findLast(({ from }) => from <= nKeys);
  if (step === undefined) throw new RangeError(`no method of attention for ${nKeys} keys`);
  return step.method;
}

/** The shared kernel and that of lane groups turn whole columns of four channels with one another. */
function takes(headDim: number, method: AttentionMethod): boolean {
  if (method.kernel === 'single') return true;
  return headDim % 8 === 0 && (method.kernel !== 'lane-groups' || mostOfGroups(headDim, method) >= 1);
}

function mostShared(headDim: number): number {
  return Math.min(SHARED_HEADS, Math.floor(SHARED_CHANNELS / headDim));
}

function mostOfGroups(headDim: number, { lanes, heads }: LaneGroupsMethod): number {
  return Math.min(heads, Math.floor(LANE_COLUMNS / laneColumns(headDim, lanes)));
}

/** Lanes of a lane group: no more than a head has columns, rounded up to a power of two, at least 4. */
function laneGroupLanes(headDim: number, most: number): number {
  let lanes = 4;
  while (2 * lanes <= most && lanes < headDim / 4) lanes *= 2;
  return lanes;
}

/** Lanes of a workgroup of lane groups: as many as there is memory for. */
function workgroupLanes(headDim: number, lanes: number): number {
  const columns = laneColumns(headDim, lanes);
  let group = 256;
  while (group * columns > GROUP_COLUMNS) group /= 2;
  return group;
}

function laneColumns(headDim: number, lanes: number): number {
  return Math.ceil(headDim / 4 / laneGroupLanes(headDim, lanes));
}

function cut(nKeys: number, most: number): { readonly count: number; readonly keys: number } {
  const tiles = Math.ceil(nKeys / TILE_KEYS);
  const each = Math.ceil(tiles / most);
  return { count: Math.ceil(tiles / each), keys: each * TILE_KEYS };
}
