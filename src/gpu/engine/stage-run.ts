import type { BoundGraph, BoundWeight } from '../../arch/bind';
import type { Node, Section, StateSlot, Value } from '../../arch/graph';
import type { OpName } from '../../arch/operations';
import type { KernelPath } from '../../model/kernel-use';
import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import type { BufferRange, Recorder } from '../recorder';
import type { WeightCache } from '../weights/weight-cache';
import type { ExpertGroups } from './expert-groups';
import type { HostFloats } from './host-floats';
import type { KernelLog } from './kernel-log';
import type { KernelSet } from './kernel-set';
import type { Pacer } from './pacer';
import type { ChangeTasks } from './matmul-task';
import type { RopeTables } from './rope-table';
import type { ValueBuffers } from './value-buffers';

/** What all stages of an engine share. */
export interface Tools {
  readonly context: GpuContext;
  /** The forward pass, and where its weights are. */
  readonly bound: BoundGraph;
  readonly hparams: HParams;
  readonly recorder: Recorder;
  readonly kernels: KernelSet;
  readonly log: KernelLog;
  readonly cache: WeightCache;
  readonly pacer: Pacer;
  readonly ropeTable: RopeTables;
  readonly hostFloats: HostFloats;
  /** Room for values between two kernels of one node. */
  readonly scratch: ValueBuffers;
  /** Called for bytes that do not pass through the cache. */
  readonly onRead: (tensor: string, bytes: number) => void;
  /** Most tokens that are computed together. */
  readonly chunkTokens: number;
  /** Whether attention may be computed without storing scores; false where a stage of it is replaced or an adapter is slow at it. */
  readonly fuseAttention: boolean;
  /** Whether slots may be grouped by expert on the GPU; false where the CPU has to see them. */
  readonly groupOnGpu: boolean;
  /** Ids of values that are computed in another way than usual. */
  readonly replaced: ReadonlySet<string>;
}

/** Where rows of a value lie: packed, or as columns of longer rows. */
export interface ValueRange extends BufferRange {
  /** In words: from row to row, and the first column. */
  readonly columns?: { readonly stride: number; readonly first: number };
}

/** One node on one chunk of tokens. Free-running and isolated passes differ only in what these names resolve to. */
export interface StageRun<N extends OpName = OpName> {
  readonly tools: Tools;
  readonly section: Section;
  readonly node: Node<N>;
  /** Undefined for whole-model stages. */
  readonly layer: number | undefined;
  /** Tokens of the whole step: chooses the variant of a product, so that values do not depend on how a step is cut. */
  readonly stepTokens: number;
  readonly rows: number;
  /** Position of the first row, past positions counted. */
  readonly firstPosition: number;
  /** Keys of the step: past positions and all its tokens. */
  readonly nKeys: number;
  /** Whether scores of keys that the mask will hide are wanted as well. */
  readonly futureKeys: boolean;
  /** (rows, ...) of a value that this node reads. */
  readonly input: (id: string) => ValueRange;
  /** (positions, ...) of state, from position 0. */
  readonly state: (slot: StateSlot) => BufferRange;
  /** Whether a recurrence finds the state before each row, and not only the one before the first. */
  readonly fed?: boolean;
  /** Token ids of the rows. */
  readonly tokens: () => Uint32Array<ArrayBuffer>;
  /** Chosen experts of the rows, (rows, nExpertUsed): what decides which experts are read. */
  readonly experts: () => Uint32Array<ArrayBuffer>;
  /** The rows grouped by expert on the GPU, where every expert of the layer is there: then nobody asks for `experts`. */
  readonly groups?: ExpertGroups | undefined;
  /** Where the node writes; its first row there is `outputRow`. */
  readonly output: BufferRange;
  readonly outputRow: number;
  /** Set by faults on purpose only. */
  readonly changeTasks?: ChangeTasks;
  readonly signal: AbortSignal | undefined;
}

/** Records what computes a node. */
export type StageKernel<N extends OpName = OpName> = (run: StageRun<N>) => void | Promise<void>;

/** Records what computes nodes, and notes its kernels as theirs. */
export async function logged(
  { recorder, log }: Pick<Tools, 'recorder' | 'log'>,
  path: KernelPath,
  nodes: readonly Node[],
  record: () => unknown,
): Promise<void> {
  recorder.onDispatch = ({ kernel, variant }) => {
    log.note(kernel, variant, path, nodes);
  };
  try {
    await record();
  } finally {
    recorder.onDispatch = undefined;
  }
}

/** The input at a place among a node's. @throws RangeError where there is none */
export function inputAt({ node, input }: StageRun, place: number): ValueRange {
  return input(valueAt(node, place).id);
}

export function valueAt(node: Node, place: number): Value {
  const value = node.inputs[place];
  if (value === undefined) throw new RangeError(`${node.out.id} has no input ${place}`);
  return value;
}

/** The weight of a node's product or norm, found when the model was opened. @throws RangeError where the node has none */
export function weightOf({ tools, node }: { readonly tools: Pick<Tools, 'bound'>; readonly node: Node }): BoundWeight {
  const [slot] = node.weights;
  if (slot === undefined) throw new RangeError(`${node.out.id} has no weight`);
  return tools.bound.weight(slot);
}

/** The only state that a node reads. @throws RangeError where it reads none */
export function stateOf({ node, state }: StageRun): BufferRange {
  const [slot] = node.reads;
  if (slot === undefined) throw new RangeError(`${node.out.id} reads no state`);
  return state(slot);
}
