import type { ModelFile } from '../../gguf/model-file';
import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import type { BufferRange, Recorder } from '../recorder';
import type { WeightCache } from '../weights/weight-cache';
import type { ExpertGroups } from './expert-groups';
import type { KernelSet } from './kernel-set';
import type { Pacer } from './pacer';
import type { ChangeLoads } from './product-load';
import type { Together } from './projections';
import type { RopeTables } from './rope-table';
import type { StageInput } from './stage-sizes';

/** What all stages of an engine share. */
export interface Tools {
  readonly context: GpuContext;
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly recorder: Recorder;
  readonly kernels: KernelSet;
  readonly cache: WeightCache;
  readonly pacer: Pacer;
  readonly ropeTable: RopeTables;
  /** Called for bytes that do not pass through the cache. */
  readonly onRead: (tensor: string, bytes: number) => void;
  /** Most tokens that are computed together. */
  readonly chunkTokens: number;
  /** Whether attention may be computed without storing scores; false where a stage of it is replaced or an adapter is slow at it. */
  readonly fuseAttention: boolean;
  /** Whether slots may be grouped by expert on the GPU; false where the CPU has to see them. */
  readonly groupOnGpu: boolean;
}

/** Where a stage's rows lie: packed, or as columns of longer rows. */
export interface StageRange extends BufferRange {
  /** In words: from row to row, and the first column. */
  readonly columns?: { readonly stride: number; readonly first: number };
}

/** One stage on one chunk of tokens. Free-running and isolated passes differ only in what these names resolve to. */
export interface StageRun {
  readonly tools: Tools;
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
  /** (rows, ...) of a stage that this one reads; keys and values come from the two below. */
  readonly input: (stage: StageInput) => StageRange;
  /** (positions, nHeadKv, headDim) from position 0. */
  readonly keys: () => BufferRange;
  readonly values: () => BufferRange;
  /** Token ids of the rows. */
  readonly tokens: () => Uint32Array<ArrayBuffer>;
  /** Chosen experts of the rows, (rows, nExpertUsed): what decides which experts are read. */
  readonly experts: () => Uint32Array<ArrayBuffer>;
  /** Whether `attention` is computed from queries, keys and values, not from `attn_softmax`: the same bits, with no scores stored. */
  readonly fusedAttention?: boolean;
  /** The rows grouped by expert on the GPU, where every expert of the layer is there: then nobody asks for `experts`. */
  readonly groups?: ExpertGroups | undefined;
  /** Room for projections that are computed together; absent where each is computed alone. */
  readonly together?: Together | undefined;
  /** Where the stage writes; its first row there is `outputRow`. */
  readonly output: BufferRange;
  readonly outputRow: number;
  /** Set by faults on purpose only. */
  readonly changeLoads?: ChangeLoads;
  readonly signal: AbortSignal | undefined;
}

/** Records what computes a stage. */
export type StageKernel = (run: StageRun) => void | Promise<void>;
