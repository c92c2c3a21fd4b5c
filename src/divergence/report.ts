import type { KernelUse } from '../model/kernel-use';
import type { RunPath } from '../model/run-paths';
import type { AdapterCard } from '../model/adapter-card';
import type { HParams } from '../model/hparams';
import type { Reach } from '../model/engine';
import type { LiveFacts } from '../model/live';
import type { StageId } from '../model/stages';
import type { Cause } from './cause';
import type { CompareMode, RunMode } from './run-mode';

export type { AdapterCard } from '../model/adapter-card';
export { COMPARE_MODES, type CompareMode, type RunMode } from './run-mode';

/** Additive changes keep the number; a change of meaning raises it and gets an upgrader (`report-upgrade.ts`). */
export const REPORT_SCHEMA = 'moescope-report/2';

export const ROW_VERDICTS = [
  'match',
  'diverge',
  'nan-gpu',
  'nan-cpu',
  'nan-both',
  'after-flip',
  'victim',
  'missing',
  'unmeasured',
  'not-applicable',
] as const;
export type RowVerdict = (typeof ROW_VERDICTS)[number];

export const RUN_STATUSES = [
  'match',
  'diverged',
  /** A value that is not finite. */
  'not-finite',
  /** Only the probabilistic bound is exceeded. */
  'suspicious',
  /** The sides part, and no stage explains it. */
  'ill-conditioned',
  /** The model itself leaves f32. */
  'out-of-range',
  'incomplete',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** Who made a token behind a prompt: the engine that traces, or the fast decoder. */
export const TOKEN_MAKERS = ['engine', 'decoder'] as const;
export type TokenMaker = (typeof TOKEN_MAKERS)[number];

/** A way in which people run the engine under test, and whether this verdict is of it. */
export interface CoveredPath {
  readonly path: RunPath;
  readonly ran: boolean;
  /** Why it did not run, where that is known; otherwise nobody asked. */
  readonly why?: string;
  /** Of those that are judged by themselves: `match` also where a run has the bits of the one that was judged. */
  readonly status?: RunStatus;
}

/** What a verdict is of: a kernel, or a variant of one, that did not run may be wrong. */
export interface Coverage {
  readonly paths?: readonly CoveredPath[];
  readonly kernels: readonly Pick<KernelUse, 'kernel' | 'variant' | 'path' | 'stages'>[];
  /** Kernels that did not run. */
  readonly notRun: readonly string[];
}

/** A number that JSON can hold: what is not finite is written "NaN", "Infinity", "-Infinity". In memory it stays a number. */
export type Metric = number;

/** Experts that only one engine chose at a position. */
export interface Flip {
  readonly position: number;
  readonly onlyA: readonly number[];
  readonly onlyB: readonly number[];
  /** The reference's p(k) - p(k+1): how close the choice was. */
  readonly margin: Metric;
  /** Largest difference of the two engines' probabilities of the experts concerned. */
  readonly drift?: Metric;
  /** The drift accounts for the flip. False: the engine chose against its own probabilities. */
  readonly explained?: boolean;
}

/** Sizes of the finite values of a capture. */
export interface ValueRange {
  /** Largest magnitude; 0 where no value is finite. */
  readonly absMax: Metric;
  /** Smallest magnitude that is not 0; 0 where there is none. */
  readonly absMin: Metric;
  /** Share of all values that are subnormal f32, 0 to 1. */
  readonly subnormals: Metric;
}

/** Both values of one element, and where there is one the bound of their difference. */
export interface ElementValues {
  readonly a: Metric;
  readonly b: Metric;
  readonly bound?: Metric;
}

/** One comparison of two captures: `a` (the candidate) against `b` (the reference). */
export interface Row {
  readonly a: string;
  readonly b: string;
  readonly mode: CompareMode;
  /** Local rows: the arithmetic whose bound the ratios stand on (`f32`, `q8_K-activations`). Absent: f32. */
  readonly arithmetic?: string;
  /** Local rows: inputs that were not captured and were computed of what was; their bound is part of the row's. */
  readonly bridged?: readonly StageId[];
  /** The kernels of side `a` that made its value, with their variants (`Capture.kernel`). */
  readonly kernel?: string;
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly verdict: RowVerdict;
  /** Elements compared; 0 also where the engines share no expert. The metrics below are absent where nothing was compared. */
  readonly count: number;
  readonly cosine?: Metric;
  readonly nmse?: Metric;
  readonly relL2?: Metric;
  readonly maxAbs?: Metric;
  /** [position, slot, channel ...], as the stage's shape; whole indices, positions are prompt positions. */
  readonly maxAbsIndex?: readonly number[];
  /** The element with the largest error. */
  readonly maxAbsValues?: ElementValues;
  /** Root mean square of the reference. */
  readonly rms?: Metric;
  /** Largest error / bound; only where the reference computed bounds. Above 1 is a defect. */
  readonly maxRatio?: Metric;
  readonly maxRatioIndex?: readonly number[];
  /** The element with the largest ratio: seldom the one with the largest error. */
  readonly maxRatioValues?: ElementValues;
  /** How many elements have an error / bound in each bin (`RATIO_EDGES`); where there is a `maxRatio`. */
  readonly ratios?: readonly number[];
  /**
   * Products only: largest error / (sqrt(n) 2^-24 sum |w x|), what n random roundings to nearest would make. Information, no verdict: it
   * shows lower precision that hides under the worst-case bound.
   */
  readonly maxEstimate?: Metric;
  readonly nanA?: number;
  readonly nanB?: number;
  readonly infA?: number;
  readonly infB?: number;
  /** How many of `infA`, `infB` are -Infinity. */
  readonly negInfA?: number;
  readonly negInfB?: number;
  /** Fingerprint of the candidate's values, bit for bit: what a baseline of the same adapter is held to. */
  readonly bitsA?: string;
  /** The finite values of each engine: the run-up of those that are not. */
  readonly rangeA?: ValueRange;
  readonly rangeB?: ValueRange;
  /** How far the exact reference's values go before they are rounded to f32. */
  readonly reach?: Reach;
  /** Index of the first value that is not finite in `a`. */
  readonly firstNonFiniteA?: readonly number[];
  readonly firstNonFiniteB?: readonly number[];
  /**
   * Where the cosine decides against the row: the lowest of one position (those that a flip excuses left out), and the index of the largest
   * error there. `cosine` is of all positions together, and can be above the limit all the same.
   */
  readonly lowestCosine?: { readonly value: Metric; readonly index: readonly number[] };
  /** Where the cosine is in order and the length decides against the row: candidate's over reference's at the worst position. */
  readonly worstLength?: { readonly value: Metric; readonly index: readonly number[] };
  /** The prompt position with the largest relative L2. */
  readonly worstPosition?: number;
  /**
   * Relative L2 a position, in the order of the captured positions; of index stages 1 - Jaccard. Undefined (null in JSON) where nothing of the
   * position was compared, as where the sides have no expert in common.
   */
  readonly perPosition?: readonly (Metric | undefined)[];
  /** Largest error / bound a position; where there is a `maxRatio`. Undefined (null in JSON) as above. */
  readonly perPositionRatio?: readonly (Metric | undefined)[];
  /** Index stages: mean over positions of |A and B| / |A or B|. */
  readonly jaccard?: Metric;
  readonly flips?: readonly Flip[];
  /** After a flip: the flip that explains this row. */
  readonly afterFlip?: { readonly layer: number; readonly position: number; readonly margin: Metric };
}

/** Experts and renormalised weights that one engine chose, descending. */
export interface RoutingChoice {
  readonly experts: readonly number[];
  readonly weights: readonly Metric[];
}

export interface RoutingRow {
  readonly layer: number;
  readonly position: number;
  readonly a?: RoutingChoice;
  readonly b?: RoutingChoice;
  /** p(k) - p(k+1) of the reference. */
  readonly margin?: Metric;
}

/** What speaks against a stage: error over bound, cosine, length over the reference's, a value that is not finite, experts chosen wrongly, another token than the
 * logits say (token and right token in place of value and limit), other bits than the run that was judged (how many tensors). */
export const CULPRIT_METRICS = ['ratio', 'cosine', 'length', 'non-finite', 'flip', 'choice', 'bits'] as const;

/** The first thing that is wrong: what the sentence names. */
export interface Culprit {
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly position: number;
  readonly expert?: number;
  readonly tensor?: string;
  readonly qtype?: string;
  readonly mode: CompareMode;
  readonly metric: (typeof CULPRIT_METRICS)[number];
  readonly value: Metric;
  readonly limit: Metric;
  /** Whose values are not finite, where it is not the candidate alone. On both engines the fault is the model's own. */
  readonly side?: 'both' | 'reference';
  /** What the wrong values look like: the tensor read as another type, another expert's weights, one row alone. Products only. */
  readonly hint?: string;
  /** The same as a code, for machines and for words of one's own. */
  readonly cause?: Cause;
}

/** A fault on purpose, and whether this run shows it. */
export interface InjectedFault {
  /** As `--inject` takes it. */
  readonly spec: string;
  readonly visible: boolean;
  /** Why it cannot be seen. */
  readonly why?: string;
}

export interface Verdict {
  readonly status: RunStatus;
  /** The one sentence that page, command line, JSON and pictures share. */
  readonly sentence: string;
  readonly first?: Culprit;
  /** Further independent faults (local and isolated rows): each is wrong although its own inputs are right. Forward order. */
  readonly others?: readonly Culprit[];
  /** `ill-conditioned`: where the free run parts first, with nobody to blame. */
  readonly parted?: Culprit;
  /** `ill-conditioned`: the stage that multiplies the error of its inputs most. */
  readonly amplification?: Amplification;
}

/** How much larger a stage makes the relative error of what it reads. */
export interface Amplification {
  readonly layer: number | undefined;
  readonly stage: StageId;
  /** Free-running relative L2 of the stage over that of the worst of its inputs. */
  readonly factor: Metric;
  readonly relL2: Metric;
}

/** A token behind the prompt, every stage held to the exact value of its own captured inputs. */
export interface DecodedStep {
  readonly position: number;
  /** Absent in reports of engines alone: the engine that traces. */
  readonly by?: TokenMaker;
  readonly token?: number;
  readonly status: RunStatus;
  /** Stages that were compared. */
  readonly rows: number;
  /** The largest error / bound of all of them. */
  readonly worst?: { readonly layer: number | undefined; readonly stage: StageId; readonly ratio: Metric };
}

/** What a value that is not finite may be. */
export type NonFiniteKind = 'NaN' | '+Infinity' | '-Infinity';

/** The first value of one engine that is not finite, what led to it and what became of it. Free-running where the run did so. */
export interface NonFinite {
  readonly arm: string;
  readonly mode: CompareMode;
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly kind: NonFiniteKind;
  /** [position, slot, channel ...] */
  readonly index: readonly number[];
  /** Every capture with values that are not finite, and how many of all; forward order. */
  readonly spread: readonly {
    readonly layer: number | undefined;
    readonly stage: StageId;
    readonly bad: number;
    readonly count: number;
  }[];
  /** The captures before it, forward order, nearest last. */
  readonly runUp: readonly ({ readonly layer: number | undefined; readonly stage: StageId } & ValueRange)[];
}

export type FindingKind = 'bits' | 'limit' | 'flip' | 'non-finite' | 'verdict' | 'missing' | 'new';

/** One comparison that is not as the baseline has it. */
export interface Finding {
  readonly kind: FindingKind;
  readonly mode: CompareMode;
  readonly layer: number | undefined;
  readonly stage: StageId;
  /** What was accepted and what is, for people. */
  readonly was: string;
  readonly now: string;
  /** For `limit`: why it is one. */
  readonly reason?: string;
}

export interface BaselineResult {
  /** `same`: not a bit has moved; `within`: what moved is allowed to; `moved`: a regression. */
  readonly status: 'same' | 'within' | 'moved';
  /** Held bit for bit, or within limits. */
  readonly held: 'bits' | 'limits';
  readonly rows: number;
  /** Forward order. */
  readonly findings: readonly Finding[];
  /** One line for people. */
  readonly sentence: string;
}

/** The engine under test, run again with the same input. */
export interface RepeatResult {
  /** `unsteady`: two runs have other bits, as a race between the lanes of a kernel gives. Neither is to be believed. */
  readonly status: 'steady' | 'unsteady';
  /** How often it ran: no more once its bits had changed. */
  readonly runs: number;
  /** Captured tensors that were compared, of each run. */
  readonly tensors: number;
  /** How many of them changed. */
  readonly changed: number;
  /** Where bits change first, forward order. */
  readonly first?: { readonly layer?: number | undefined; readonly stage: StageId; readonly position: number };
  /** One line for people. */
  readonly sentence: string;
}

export interface ModelCard {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly headerSha256: string;
  readonly arch: string;
  /** The file's own name for its mix (Q4_K_M), from `general.file_type`, or the commonest type. */
  readonly quant: string;
  readonly hparams: HParams;
  readonly tensors: {
    readonly count: number;
    readonly byType: Readonly<Record<string, { readonly count: number; readonly bytes: number }>>;
    /** ggml type of each tensor by its name in the file. Absent where no file was there to ask. */
    readonly types?: Readonly<Record<string, string>>;
  };
  /** What the file says of the model and no engine reads, a sentence each. Absent where there is nothing. */
  readonly notes?: readonly string[];
}

/** One role of a comparison: what ran. */
export interface EngineCard {
  /** `gpu`, `exact`, `ggml`, `llama.cpp`, or the name of a trace that was read. */
  readonly engine: string;
  /** What people call it where the engine's name does not say it: "llama.cpp 0.5.0 · Vulkan". */
  readonly title?: string;
  /** What a judged engine was found to compute in. */
  readonly arithmetic?: string;
}

export interface TopToken {
  readonly token: number;
  readonly text: string;
  readonly logit: Metric;
}

/** The largest value and the largest sum of magnitudes of a stage, and the layer of each. */
export interface Headroom {
  readonly stage: StageId;
  readonly largest: Metric;
  readonly layer: number | undefined;
  /** Of products: no partial sum is above it. */
  readonly largestSum?: Metric;
  /** Whether f16, whose largest value is 65,504, holds both. */
  readonly fitsF16: boolean;
}

export interface Report {
  readonly schema: typeof REPORT_SCHEMA;
  readonly tool: { readonly name: string; readonly version: string; readonly commit: string };
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly model: ModelCard;
  readonly run: {
    readonly prompt?: string;
    /** SHA-256 (hex) of a prompt that was left out on purpose; `tokens` is empty then and `tokenTexts` only counts. */
    readonly promptSha256?: string;
    readonly tokens: readonly number[];
    /** The text of each token, for labels. */
    readonly tokenTexts?: readonly string[];
    readonly positions: readonly number[];
    readonly stages: readonly StageId[];
    readonly layers: readonly number[];
    readonly mode: RunMode;
    /** The engines by their first names, candidate first; a reader of schema 1 knows them. */
    readonly arms: readonly string[];
    /** What is judged, and what it is held against. Either is absent where the other ran alone. */
    readonly candidate?: EngineCard;
    readonly reference?: EngineCard;
    /** Whose experts the candidate used; absent: its own. */
    readonly routing?: 'reference';
    /** The order of sums that the bounds of isolated rows stand on; absent: any. */
    readonly sumOrder?: 'chunked';
    readonly inject?: readonly string[];
    /** One for each of `inject`. */
    readonly injected?: readonly InjectedFault[];
  };
  readonly limits: { readonly cosine: number; readonly ratio: number };
  readonly adapter?: AdapterCard;
  readonly browser?: { readonly name: string; readonly version: string };
  readonly runtime: 'node' | 'browser';
  /** The live llama.cpp that was under test. */
  readonly live?: LiveFacts;
  readonly verdict: Verdict;
  /** Tokens that were decoded behind the prompt, where some were asked for. */
  readonly decoded?: readonly DecodedStep[];
  /** Where each engine's values stop being finite; absent where they never do. */
  readonly poison?: { readonly a?: NonFinite; readonly b?: NonFinite };
  /** What a comparison of saved traces could not know, found to disagree or left out. */
  readonly notes?: readonly string[];
  /** How the run stands to an accepted one, where one was given. */
  readonly baseline?: BaselineResult;
  readonly repeat?: RepeatResult;
  /** Forward order. */
  readonly rows: readonly Row[];
  readonly routing: readonly RoutingRow[];
  readonly timing: {
    readonly phases: readonly { readonly name: string; readonly ms: number; readonly bytes: number }[];
    readonly perLayer: readonly {
      readonly layer: number;
      readonly gpuMs: number;
      readonly cpuMs: number;
      readonly readBytes: number;
    }[];
    readonly tokensPerSecond?: number;
  };
  /** How far each stage's exact values go, over all layers: what is left to f16 and f32. Absent without an exact reference. */
  readonly headroom?: readonly Headroom[];
  readonly memory: {
    readonly gpuWeightBytes: number;
    readonly gpuPeakBytes: number;
    readonly traceBytes: number;
    readonly expertsRead: number;
    /** Parts of weights that were on the GPU when they were asked for, of all that were asked for. */
    readonly cacheHitRate?: number;
    readonly bytesRead: number;
  };
  /** The kernels behind the verdict. Absent where the candidate has none of ours. */
  readonly coverage?: Coverage;
  readonly top: { readonly a: readonly TopToken[]; readonly b: readonly TopToken[] };
}
