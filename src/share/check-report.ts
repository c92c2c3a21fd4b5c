import { reportFromJson } from '../divergence/report-json';
import { CAUSE_CODES } from '../divergence/cause';
import {
  COMPARE_MODES,
  CULPRIT_METRICS,
  ROW_VERDICTS,
  RUN_STATUSES,
  TOKEN_MAKERS,
  type Report,
} from '../divergence/report';
import { RUN_MODES } from '../divergence/run-mode';
import { KERNEL_PATHS } from '../model/kernel-use';
import { RUN_PATHS } from '../model/run-paths';
import { STAGES } from '../model/stages';
import { formatError } from '../trace/format-error';
import { dictionary, flag, list, number, oneOf, optional, record, text, whole, type Check } from '../trace/check';

/** No model has more; what a page can draw ends far below. */
const MOST = {
  layers: 4096,
  experts: 65_536,
  positions: 1 << 20,
  rows: 2_000_000,
  text: 4_000_000,
  name: 4096,
  tensors: 200_000,
} as const;

const SIZE = whole(2 ** 40);
const NAME = text(MOST.name);
const STAGE = oneOf(STAGES.map(({ id }) => id));
const LAYER = optional(whole(MOST.layers));
const POSITION = whole(MOST.positions);
const INDEX = list(whole(2 ** 40), 8);
const EXPERTS = list(whole(MOST.experts), MOST.experts);
const MODE = oneOf(COMPARE_MODES);
const PER_POSITION = optional(list(optional(number), MOST.positions));
const VALUES = optional(record({ a: number, b: number, bound: optional(number) }));

const RANGE = record({ absMax: number, absMin: number, subnormals: number });
const FLIP = record({
  position: POSITION,
  onlyA: EXPERTS,
  onlyB: EXPERTS,
  margin: number,
  drift: optional(number),
  explained: optional(flag),
});
const ROW = record({
  a: NAME,
  b: NAME,
  mode: MODE,
  arithmetic: optional(NAME),
  kernel: optional(NAME),
  layer: LAYER,
  stage: STAGE,
  verdict: oneOf(ROW_VERDICTS),
  count: SIZE,
  cosine: optional(number),
  nmse: optional(number),
  relL2: optional(number),
  maxAbs: optional(number),
  maxAbsIndex: optional(INDEX),
  maxAbsValues: VALUES,
  rms: optional(number),
  maxRatio: optional(number),
  maxRatioIndex: optional(INDEX),
  maxRatioValues: VALUES,
  ratios: optional(list(number, 64)),
  maxEstimate: optional(number),
  bitsA: optional(text(64)),
  nanA: optional(SIZE),
  nanB: optional(SIZE),
  infA: optional(SIZE),
  infB: optional(SIZE),
  negInfA: optional(SIZE),
  negInfB: optional(SIZE),
  rangeA: optional(RANGE),
  rangeB: optional(RANGE),
  reach: optional(record({ largest: number, largestSum: optional(number) })),
  firstNonFiniteA: optional(INDEX),
  firstNonFiniteB: optional(INDEX),
  lowestCosine: optional(record({ value: number, index: INDEX })),
  worstLength: optional(record({ value: number, index: INDEX })),
  worstPosition: optional(POSITION),
  perPosition: PER_POSITION,
  perPositionRatio: PER_POSITION,
  jaccard: optional(number),
  flips: optional(list(FLIP, MOST.positions)),
  afterFlip: optional(record({ layer: whole(MOST.layers), position: POSITION, margin: number })),
});
const CHOICE = record({ experts: EXPERTS, weights: list(number, MOST.experts) });
const ROUTING = record({
  layer: whole(MOST.layers),
  position: POSITION,
  a: optional(CHOICE),
  b: optional(CHOICE),
  margin: optional(number),
});
const PARAMETERS = record({
  type: optional(NAME),
  shift: optional(number),
  position: optional(POSITION),
  expert: optional(whole(MOST.experts)),
  tensor: optional(NAME),
  share: optional(number),
});
const READING = record({ code: oneOf(CAUSE_CODES), parameters: PARAMETERS });
const CAUSE = record({
  code: oneOf(CAUSE_CODES),
  parameters: PARAMETERS,
  proven: flag,
  rows: optional(record({ wrong: SIZE, of: SIZE })),
  alternatives: optional(list(READING, 200)),
});
const ENGINE = optional(record({ engine: NAME, title: optional(NAME), arithmetic: optional(NAME) }));
const CULPRIT = record({
  layer: LAYER,
  stage: STAGE,
  position: POSITION,
  expert: optional(whole(MOST.experts)),
  tensor: optional(NAME),
  qtype: optional(NAME),
  mode: MODE,
  metric: oneOf(CULPRIT_METRICS),
  value: number,
  limit: number,
  side: optional(oneOf(['both', 'reference'])),
  hint: optional(NAME),
  cause: optional(CAUSE),
});
const NON_FINITE = record({
  arm: NAME,
  mode: MODE,
  layer: LAYER,
  stage: STAGE,
  kind: oneOf(['NaN', '+Infinity', '-Infinity']),
  index: INDEX,
  spread: list(record({ layer: LAYER, stage: STAGE, bad: SIZE, count: SIZE }), MOST.rows),
  runUp: list(record({ layer: LAYER, stage: STAGE, absMax: number, absMin: number, subnormals: number }), MOST.rows),
});
const TOP = list(record({ token: SIZE, text: NAME, logit: number }), 1000);
const HPARAMS = record({
  arch: NAME,
  nLayer: whole(MOST.layers),
  nEmbd: number,
  nHead: number,
  nHeadKv: number,
  headDim: number,
  nExpert: whole(MOST.experts),
  nExpertUsed: whole(MOST.experts),
  nFfExp: number,
  nVocab: number,
});
const ADAPTER = record({
  vendor: NAME,
  architecture: NAME,
  device: NAME,
  description: NAME,
  isSoftware: flag,
  features: list(NAME, 500),
  limits: dictionary(number, 500),
  arithmetic: optional(
    record({
      rounding: oneOf(['nearest', 'other']),
      subnormalResults: oneOf(['kept', 'flushed']),
      subnormalInputs: oneOf(['kept', 'flushed']),
    }),
  ),
});

const LIVE = record({
  engine: NAME,
  version: optional(NAME),
  ggmlVersion: optional(NAME),
  commit: optional(NAME),
  library: NAME,
  file: optional(NAME),
  devices: list(NAME, 64),
  flashAttention: NAME,
  kv: NAME,
  threads: SIZE,
  ubatch: SIZE,
  graphs: SIZE,
  logitRowsChanged: SIZE,
  logitRows: SIZE,
  largestLogitChange: number,
  plainMs: number,
  capturedMs: number,
  peakBytes: SIZE,
  parameterNotes: list(NAME, 1000),
});

const REPORT: Check = record({
  tool: record({ name: NAME, version: NAME, commit: NAME }),
  created: NAME,
  model: record({
    name: NAME,
    file: NAME,
    bytes: number,
    headerSha256: text(128),
    arch: NAME,
    quant: NAME,
    hparams: HPARAMS,
    tensors: record({
      count: number,
      byType: dictionary(record({ count: number, bytes: number }), 200),
      types: optional(dictionary(NAME, MOST.tensors)),
    }),
    notes: optional(list(text(20_000), 1000)),
  }),
  run: record({
    prompt: optional(text(MOST.text)),
    promptSha256: optional(text(128)),
    tokens: list(whole(2 ** 32), MOST.positions),
    tokenTexts: optional(list(NAME, MOST.positions)),
    positions: list(POSITION, MOST.positions),
    stages: list(STAGE, STAGES.length),
    layers: list(whole(MOST.layers), MOST.layers),
    mode: oneOf(RUN_MODES),
    arms: list(NAME, 8),
    candidate: ENGINE,
    reference: ENGINE,
    inject: optional(list(NAME, 1000)),
    injected: optional(list(record({ spec: NAME, visible: flag, why: optional(NAME) }), 1000)),
  }),
  limits: record({ cosine: number, ratio: number }),
  adapter: optional(ADAPTER),
  browser: optional(record({ name: NAME, version: NAME })),
  runtime: oneOf(['node', 'browser']),
  live: optional(LIVE),
  verdict: record({
    status: oneOf(RUN_STATUSES),
    sentence: text(20_000),
    first: optional(CULPRIT),
    others: optional(list(CULPRIT, MOST.rows)),
    parted: optional(CULPRIT),
    amplification: optional(record({ layer: LAYER, stage: STAGE, factor: number, relL2: number })),
  }),
  decoded: optional(
    list(
      record({
        position: POSITION,
        by: optional(oneOf(TOKEN_MAKERS)),
        token: optional(whole(2 ** 32)),
        status: oneOf(RUN_STATUSES),
        rows: SIZE,
        worst: optional(record({ layer: LAYER, stage: STAGE, ratio: number })),
      }),
      MOST.positions,
    ),
  ),
  poison: optional(record({ a: optional(NON_FINITE), b: optional(NON_FINITE) })),
  notes: optional(list(text(20_000), 1000)),
  rows: list(ROW, MOST.rows),
  routing: list(ROUTING, MOST.rows),
  timing: record({
    phases: list(record({ name: NAME, ms: number, bytes: number }), 1000),
    perLayer: list(record({ layer: whole(MOST.layers), gpuMs: number, cpuMs: number, readBytes: number }), MOST.layers),
  }),
  headroom: optional(
    list(record({ stage: STAGE, largest: number, layer: LAYER, largestSum: optional(number), fitsF16: flag }), 1000),
  ),
  memory: record({
    gpuWeightBytes: number,
    gpuPeakBytes: number,
    traceBytes: number,
    expertsRead: number,
    bytesRead: number,
  }),
  coverage: optional(
    record({
      kernels: list(
        record({ kernel: NAME, variant: NAME, path: oneOf(KERNEL_PATHS), stages: list(STAGE, STAGES.length) }),
        1000,
      ),
      notRun: list(NAME, 1000),
      paths: optional(
        list(
          record({
            path: oneOf(RUN_PATHS.map(({ id }) => id)),
            ran: flag,
            why: optional(NAME),
            status: optional(oneOf(RUN_STATUSES)),
          }),
          100,
        ),
      ),
    }),
  ),
  top: record({ a: TOP, b: TOP }),
});

/**
 * Reads a report that a stranger may have written: every member that the page draws is there, of its type and within bounds.
 * @throws TracerError `trace-format` naming the place.
 */
export function readReport(json: string, place: string): Report {
  try {
    const report = reportFromJson(json);
    REPORT(report, place);
    return report;
  } catch (error) {
    // Nested a hundred thousand deep: no report is.
    if (error instanceof RangeError) throw formatError(place, 'a report', 'endless nesting');
    throw error;
  }
}
