import { seededRandom, type Random } from '../../src/base/random';
import { RATIO_BINS, ratioBin } from '../../src/divergence/ratio-bins';
import type {
  Culprit,
  Flip,
  NonFinite,
  Report,
  RoutingRow,
  Row,
  RowVerdict,
  ValueRange,
  Verdict,
} from '../../src/divergence/report';
import { REPORT_SCHEMA } from '../../src/divergence/report';
import { stageOrder, stageSpec, type StageId } from '../../src/model/stages';
import { ACTIVE_STAGES, LAYER_STAGES } from './stages';

/** What a generated report shows. `not-finite`: the first NaN in one expert's gate; `qtype-blind`: a down projection read as the wrong type. */
export type ReportKind = 'clean' | 'qtype-blind' | 'not-finite';

export interface ReportOptions {
  readonly kind: ReportKind;
  readonly nLayer?: number;
  readonly nExpert?: number;
  readonly nExpertUsed?: number;
  readonly nTokens?: number;
  readonly seed?: number;
}

interface Fault {
  readonly layer: number;
  readonly stage: StageId;
  /** Index into the prompt of the first token that it touches. */
  readonly position: number;
}

const WORDS =
  'Once| upon| a| time| there| was| a| brave| fox|.| def| f|(x|):| return| x| +| 1|\n|And| the| Lord| said| unto| Moses|,| 3|,| 6|,| 9|,| 12|<|im_start|>'.split(
    '|',
  );

/** A report as a run would have written it: seeded, realistic magnitudes, every stage, both modes. */
export function generateReport(options: ReportOptions): Report {
  const { kind, nLayer = 6, nExpert = 16, nExpertUsed = 4, nTokens = 20, seed = 1 } = options;
  const random = seededRandom(seed);
  const fault: Fault | undefined =
    kind === 'clean'
      ? undefined
      : kind === 'not-finite'
        ? { layer: Math.floor(nLayer / 2), stage: 'moe_expert_gate', position: Math.floor(nTokens / 4) }
        : { layer: Math.floor(nLayer / 3), stage: 'moe_expert_out', position: 0 };
  const positions = Array.from({ length: nTokens }, (_, i) => i);
  const { routing, flips } = generateRouting(random, fault, kind, { nLayer, nExpert, nExpertUsed, nTokens });
  const rows: Row[] = [];
  const firstFlip = firstFlipOf(flips);
  for (const { layer, stage } of forwardOrder(nLayer)) {
    for (const mode of ['free', 'isolated'] as const) {
      rows.push(generateRow(random, { layer, stage, mode, fault, kind, nTokens, nLayer, flips, firstFlip }));
    }
  }
  return {
    schema: REPORT_SCHEMA,
    tool: { name: 'moescope', version: '0.1.0', commit: '0000000' },
    created: '2026-11-23T08:17:00.000Z',
    model: modelCard(nLayer, nExpert, nExpertUsed),
    run: {
      prompt: 'Once upon a time there was a brave fox. def f(x): return x + 1',
      tokens: positions.map((p) => 258 + ((p * 37) % 800)),
      tokenTexts: positions.map((p) => WORDS[p % WORDS.length] ?? '?'),
      positions,
      stages: [...ACTIVE_STAGES],
      layers: Array.from({ length: nLayer }, (_, l) => l),
      mode: 'both',
      arms: ['gpu', 'cpu'],
      candidate: { engine: 'gpu' },
      reference: { engine: 'exact' },
      ...(kind === 'qtype-blind' ? { inject: [`qtype-blind@layer=${String(fault?.layer)}`] } : {}),
    },
    limits: { cosine: 0.99, ratio: 1 },
    adapter: {
      vendor: 'google',
      architecture: 'swiftshader',
      device: '',
      description: 'SwiftShader',
      isSoftware: true,
      features: ['shader-f16'],
      limits: { maxStorageBufferBindingSize: 1073741824, maxBufferSize: 2147483648 },
    },
    browser: { name: 'Chromium', version: '141' },
    runtime: 'browser',
    verdict: verdictOf(kind, fault, rows),
    ...(kind === 'not-finite' && fault !== undefined ? { poison: { a: nonFiniteOf(fault, rows) } } : {}),
    rows,
    routing,
    timing: {
      phases: [
        { name: 'prepare', ms: 41, bytes: 212_000 },
        { name: 'embed', ms: 3, bytes: 2_900 },
        { name: 'layers', ms: 812, bytes: 9_100_000 },
        { name: 'head', ms: 40, bytes: 860_000 },
        { name: 'report', ms: 6, bytes: 0 },
      ],
      perLayer: Array.from({ length: nLayer }, (_, layer) => ({
        layer,
        gpuMs: 6 + random.uniform(),
        cpuMs: 65 + 8 * random.uniform(),
        readBytes: 1_500_000,
      })),
      tokensPerSecond: 24.6,
    },
    memory: {
      gpuWeightBytes: 9_800_000,
      gpuPeakBytes: 14_200_000,
      traceBytes: 5_100_000,
      expertsRead: nLayer * nExpert,
      bytesRead: 9_800_000,
    },
    top: topTokens(kind),
  };
}

function forwardOrder(nLayer: number): { layer: number | undefined; stage: StageId }[] {
  const layers = Array.from({ length: nLayer }, (_, layer) => LAYER_STAGES.map((stage) => ({ layer, stage }))).flat();
  return [
    { layer: undefined, stage: 'embedding' },
    ...layers,
    { layer: undefined, stage: 'final_norm' },
    { layer: undefined, stage: 'lm_head' },
  ];
}

/** Rounding of one kernel alone, as relative L2. */
function ownError(stage: StageId): number {
  const operation = stageSpec(stage).operation;
  if (operation === 'rows') return 0;
  if (operation === 'linear' || operation === 'expert-linear') return 1.4e-7;
  if (operation === 'rope') return 4e-8;
  return 7e-8;
}

interface RowContext {
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly mode: 'free' | 'isolated';
  readonly fault: Fault | undefined;
  readonly kind: ReportKind;
  readonly nTokens: number;
  readonly nLayer: number;
  readonly flips: ReadonlyMap<number, readonly Flip[]>;
  readonly firstFlip: { layer: number; position: number; margin: number } | undefined;
}

function generateRow(random: Random, context: RowContext): Row {
  const { layer, stage, mode, fault, kind, nTokens, nLayer, flips, firstFlip } = context;
  const depth = stage === 'embedding' ? 0 : (layer ?? nLayer);
  const isFault = fault !== undefined && layer === fault.layer && stage === fault.stage;
  const isAfter = fault !== undefined && !isFault && isDownstream(layer, stage, fault, nLayer);
  const base = { a: 'gpu', b: 'cpu', mode, layer, stage, count: nTokens * 256 };
  const noise = (): number => Math.exp(0.35 * random.normal());

  const perPosition = Array.from({ length: nTokens }, (_, t) => {
    const reached = fault !== undefined && t >= fault.position;
    if (isFault && reached) return kind === 'not-finite' ? NaN : 1.8 * noise();
    if (mode === 'free' && isAfter && reached)
      return kind === 'not-finite' ? NaN : Math.min(2.5, 0.45 * noise() * noise());
    const own = ownError(stage);
    return own * (mode === 'isolated' ? 1 : Math.sqrt(1 + 3 * depth)) * noise();
  });
  if (stageSpec(stage).values === 'index') {
    return indexRow(base, mode, layer === undefined ? [] : (flips.get(layer) ?? []), nTokens, firstFlip);
  }
  const nonFinite = perPosition.map((x) => Number.isNaN(x));
  const relL2 = perPosition.some((x) => Number.isNaN(x)) ? NaN : Math.sqrt(mean(perPosition.map((x) => x * x)));
  const nanCount = perPosition.filter((x) => Number.isNaN(x)).length * 256;
  const worstPosition = worstOf(perPosition);
  const ratio = isFault ? (kind === 'not-finite' ? NaN : 1.4e6) : relL2 === 0 ? 0 : (relL2 / 1.4e-7) * 0.24 + 0.05;
  return {
    ...base,
    verdict: rowVerdict(context, isFault, isAfter, relL2),
    cosine: Number.isNaN(relL2) ? NaN : Math.max(-0.2, 1 - (relL2 * relL2) / 2),
    nmse: relL2 * relL2,
    relL2,
    maxAbs: relL2 * 4.1,
    maxAbsIndex: [worstPosition, 1, 173],
    rms: 0.83,
    ...(mode === 'isolated'
      ? {
          maxRatio: ratio,
          maxRatioIndex: [worstPosition, 1, 173],
          maxRatioValues: { a: isFault ? (kind === 'not-finite' ? NaN : 4.25) : 0.83, b: 0.83, bound: 2.1e-6 },
          perPositionRatio: perPosition.map((x) => (isFault ? x * 8e5 : ratio * (x / Math.max(relL2, 1e-30)))),
          ratios: ratioCounts(ratio, nTokens * 256, nanCount),
          ...(isProduct(stage) ? { maxEstimate: isFault ? ratio * 30 : 0.4 + ratio } : {}),
        }
      : {}),
    rangeA: rangeOf(depth, nonFinite.every(Boolean)),
    rangeB: rangeOf(depth, false),
    nanA: nanCount,
    nanB: 0,
    infA: 0,
    infB: 0,
    negInfA: 0,
    negInfB: 0,
    ...(nanCount > 0 ? { firstNonFiniteA: [worstPosition, 0, 0] } : {}),
    worstPosition,
    perPosition,
  };
}

function isProduct(stage: StageId): boolean {
  const { operation } = stageSpec(stage);
  return operation === 'linear' || operation === 'expert-linear';
}

/** Most elements far below the largest, as honest rounding spreads; NaN in the last bin. */
function ratioCounts(largest: number, count: number, nan: number): readonly number[] {
  const counts = new Array<number>(RATIO_BINS).fill(0);
  const top = ratioBin(Number.isNaN(largest) ? 0.5 : largest);
  const share = [0.04, 0.21, 0.47, 0.2, 0.06, 0.02];
  let left = count - nan;
  share.forEach((part, i) => {
    const bin = Math.max(0, top - i);
    const n = i === share.length - 1 ? left : Math.min(left, Math.round(part * (count - nan)));
    counts[bin] = (counts[bin] ?? 0) + n;
    left -= n;
  });
  counts[RATIO_BINS - 1] = (counts[RATIO_BINS - 1] ?? 0) + nan;
  return counts;
}

function rangeOf(depth: number, none: boolean): ValueRange {
  return none
    ? { absMax: 0, absMin: 0, subnormals: 0 }
    : { absMax: 3.2 * (1 + depth), absMin: 2.4e-6 / (1 + depth), subnormals: 0 };
}

/** As a run would report it: magnitudes grow over the stages before, then everything downstream is touched. */
function nonFiniteOf(fault: Fault, rows: readonly Row[]): NonFinite {
  const free = rows.filter((row) => row.mode === 'free' && row.rangeA !== undefined);
  const at = free.findIndex((row) => row.layer === fault.layer && row.stage === fault.stage);
  return {
    arm: 'gpu',
    mode: 'free',
    layer: fault.layer,
    stage: fault.stage,
    kind: 'NaN',
    index: [fault.position, 0, 0],
    spread: free
      .filter((row) => (row.nanA ?? 0) > 0)
      .map(({ layer, stage, nanA = 0, count }) => ({ layer, stage, bad: nanA, count })),
    runUp: free.slice(Math.max(0, at - 12), at).map(({ layer, stage }, i) => ({
      layer,
      stage,
      absMax: 4 * 10 ** (i < 8 ? 0.2 * i : 1.6 + 9 * (i - 8)),
      absMin: 10 ** (-5 - 3.2 * Math.max(0, i - 4)),
      subnormals: i > 9 ? 0.02 * (i - 9) : 0,
    })),
  };
}

function indexRow(
  base: Pick<Row, 'a' | 'b' | 'mode' | 'layer' | 'stage' | 'count'>,
  mode: 'free' | 'isolated',
  flips: readonly Flip[],
  nTokens: number,
  firstFlip: RowContext['firstFlip'],
): Row {
  const own = mode === 'free' ? flips : [];
  const later = firstFlip !== undefined && base.layer !== undefined && base.layer > firstFlip.layer;
  return {
    ...base,
    verdict: own.length === 0 ? 'match' : 'after-flip',
    jaccard: 1 - own.length / nTokens / 2,
    flips: own,
    perPosition: Array.from({ length: nTokens }, (_, p) => (own.some((f) => f.position === p) ? 0.4 : 0)),
    ...(own.length > 0 && later ? { afterFlip: firstFlip } : {}),
  };
}

function rowVerdict(context: RowContext, isFault: boolean, isAfter: boolean, relL2: number): RowVerdict {
  if (isFault) return context.kind === 'not-finite' ? 'nan-gpu' : 'diverge';
  if (context.mode === 'isolated' || !isAfter) return 'match';
  if (Number.isNaN(relL2)) return 'nan-gpu';
  const { firstFlip, layer } = context;
  return firstFlip !== undefined && layer !== undefined && layer > firstFlip.layer ? 'after-flip' : 'victim';
}

function isDownstream(layer: number | undefined, stage: StageId, fault: Fault, nLayer: number): boolean {
  if (stage === 'embedding') return false;
  const at = layer ?? nLayer;
  if (at !== fault.layer) return at > fault.layer;
  if (stageOrder(stage) <= stageOrder(fault.stage)) return false;
  return fault.stage !== 'moe_expert_gate' || stage !== 'moe_expert_up';
}

interface Sizes {
  readonly nLayer: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  readonly nTokens: number;
}

function generateRouting(
  random: Random,
  fault: Fault | undefined,
  kind: ReportKind,
  { nLayer, nExpert, nExpertUsed, nTokens }: Sizes,
): { routing: RoutingRow[]; flips: Map<number, Flip[]> } {
  const routing: RoutingRow[] = [];
  const flips = new Map<number, Flip[]>();
  for (let layer = 0; layer < nLayer; layer++) {
    const here: Flip[] = [];
    for (let position = 0; position < nTokens; position++) {
      const drawn = sample(random, nExpert, nExpertUsed);
      // Each third of the prompt prefers experts of its own.
      const turn = Math.floor((Math.floor((3 * position) / nTokens) * nExpert) / 3);
      const turned = (list: readonly number[]): number[] => list.map((e) => (e + turn) % nExpert);
      const experts = turned(drawn);
      const weights = descendingWeights(random, nExpertUsed);
      const margin = 0.004 + 0.05 * random.uniform();
      const touched = fault !== undefined && layer > fault.layer && position >= fault.position;
      const nonFinite = touched && kind === 'not-finite';
      const flipped = touched && !nonFinite && random.uniform() < 0.62;
      const a = flipped ? turned(replaceOne(random, drawn, nExpert)) : experts;
      if (flipped) {
        const onlyA = a.filter((e) => !experts.includes(e));
        const onlyB = experts.filter((e) => !a.includes(e));
        here.push({ position, onlyA, onlyB, margin, drift: margin * 1.7, explained: true });
      }
      routing.push({
        layer,
        position,
        a: { experts: a, weights: nonFinite ? weights.map(() => NaN) : weights },
        b: { experts, weights },
        margin,
      });
    }
    if (here.length > 0) flips.set(layer, here);
  }
  return { routing, flips };
}

function sample(random: Random, n: number, k: number): number[] {
  const chosen: number[] = [];
  while (chosen.length < k) {
    const e = Math.min(n - 1, Math.floor(n * random.uniform() ** 1.3));
    if (!chosen.includes(e)) chosen.push(e);
  }
  return chosen;
}

function replaceOne(random: Random, experts: readonly number[], nExpert: number): number[] {
  const result = [...experts];
  const slot = random.below(result.length);
  let e = random.below(nExpert);
  while (result.includes(e)) e = random.below(nExpert);
  result[slot] = e;
  return result;
}

function descendingWeights(random: Random, k: number): number[] {
  const raw = Array.from({ length: k }, () => Math.exp(random.normal())).sort((x, y) => y - x);
  const sum = raw.reduce((x, y) => x + y, 0);
  return raw.map((x) => x / sum);
}

function firstFlipOf(flips: ReadonlyMap<number, readonly Flip[]>): RowContext['firstFlip'] {
  for (const [layer, list] of flips) {
    const first = list[0];
    if (first !== undefined) return { layer, position: first.position, margin: first.margin };
  }
  return undefined;
}

function verdictOf(kind: ReportKind, fault: Fault | undefined, rows: readonly Row[]): Verdict {
  if (fault === undefined) {
    const worst = Math.max(...rows.flatMap((r) => (r.mode === 'isolated' ? [r.maxRatio ?? 0] : [])));
    const sentence = `MATCH: ${String(rows.length)} comparisons within their limits; largest isolated error ${worst.toFixed(2)} x its bound`;
    return { status: 'match', sentence };
  }
  const nonFinite = kind === 'not-finite';
  const role = nonFinite ? 'ffn_gate_exps' : 'ffn_down_exps';
  const tensor = `blk.${String(fault.layer)}.${role}.weight`;
  const first: Culprit = {
    layer: fault.layer,
    stage: fault.stage,
    position: fault.position,
    expert: 11,
    tensor,
    qtype: nonFinite ? 'Q4_K' : 'Q6_K',
    mode: 'isolated',
    metric: nonFinite ? 'non-finite' : 'ratio',
    value: nonFinite ? NaN : 1.4e6,
    limit: 1,
  };
  const place = `layer ${String(fault.layer)}, ${fault.stage}, token ${String(fault.position)}, expert 11 (${tensor}, ${first.qtype ?? ''})`;
  return nonFinite
    ? { status: 'not-finite', sentence: `NOT FINITE: first at ${place}: NaN on gpu, finite on cpu`, first }
    : { status: 'diverged', sentence: `DIVERGED: first at ${place}: error 1.4e6 x its bound`, first };
}

function modelCard(nLayer: number, nExpert: number, nExpertUsed: number): Report['model'] {
  const large = nLayer > 12;
  return {
    name: large ? 'Qwen3-30B-A3B' : 'Tiny MoE 6x16',
    file: large ? 'Qwen3-30B-A3B-Q4_K_M.gguf' : 'tiny-moe-6x16-Q4_K_M.gguf',
    bytes: large ? 18_556_686_912 : 13_998_400,
    headerSha256: '7f3a9d2be06c41d58a17f0c3e4b5926d8c1f7a3e5b2d4c6f8091a2b3c4d5c19e',
    arch: 'qwen3moe',
    quant: 'Q4_K_M',
    hparams: {
      arch: 'qwen3moe',
      nLayer,
      nEmbd: large ? 2048 : 256,
      nHead: large ? 32 : 8,
      nHeadKv: large ? 4 : 2,
      headDim: large ? 128 : 64,
      nExpert,
      nExpertUsed,
      nFfExp: large ? 768 : 256,
      nVocab: large ? 151_936 : 4096,
      nCtxTrain: large ? 40_960 : 1024,
      rmsEps: 1e-6,
      ropeTheta: 1e6,
      qDim: large ? 4096 : 512,
      kvDim: large ? 512 : 128,
      tiedEmbeddings: false,
    },
    tensors: {
      count: nLayer * 12 + 3,
      byType: {
        Q4_K: { count: nLayer * 6 + 1, bytes: large ? 13_200_000_000 : 9_300_000 },
        Q6_K: { count: nLayer - 1, bytes: large ? 5_300_000_000 : 3_600_000 },
        F32: { count: nLayer * 5 + 3, bytes: large ? 51_000_000 : 112_000 },
      },
    },
  };
}

function topTokens(kind: ReportKind): Report['top'] {
  const b = [
    { token: 201, text: '\n', logit: 14.812 },
    { token: 13, text: '.', logit: 13.204 },
    { token: 484, text: ' +', logit: 9.871 },
    { token: 12, text: ',', logit: 8.44 },
    { token: 220, text: ' ', logit: 7.95 },
  ];
  if (kind === 'clean') return { a: b.map((t) => ({ ...t, logit: t.logit + 1.1e-6 })), b };
  if (kind === 'not-finite') return { a: b.map((_, i) => ({ token: i, text: '!', logit: NaN })), b };
  const a = [
    { token: 13, text: '.', logit: 9.102 },
    { token: 1939, text: ' def', logit: 8.77 },
    { token: 201, text: '\n', logit: 8.31 },
    { token: 886, text: ' brave', logit: 7.02 },
    { token: 341, text: ' was', logit: 6.91 },
  ];
  return { a, b };
}

function mean(values: readonly number[]): number {
  return values.reduce((x, y) => x + y, 0) / values.length;
}

function worstOf(values: readonly number[]): number {
  let worst = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (Number.isNaN(value)) return i;
    if (value > (values[worst] ?? 0)) worst = i;
  }
  return worst;
}
