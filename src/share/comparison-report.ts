import { TOOL } from '../base/version';
import { tracesOf, type EngineTraces, type TraceComparison } from '../divergence/compare-traces';
import { REPORT_SCHEMA, type ModelCard, type Report } from '../divergence/report';
import type { HParams } from '../model/hparams';
import type { Trace } from '../trace/trace';

export interface ComparedSide {
  /** File or folder, or `this run`. */
  readonly name: string;
  readonly traces: EngineTraces;
}

/** A comparison of saved traces as a report, so that every figure of the page can show it. What the traces do not tell stays empty. */
export function comparisonReport(
  comparison: TraceComparison,
  a: ComparedSide,
  b: ComparedSide,
  created: string,
  runtime: Report['runtime'] = 'browser',
): Report {
  const traces = [a, b].flatMap((side) => tracesOf(side.traces));
  return {
    schema: REPORT_SCHEMA,
    tool: TOOL,
    created,
    model: modelOf(comparison, traces, `${a.name} against ${b.name}`),
    run: comparison.run,
    limits: comparison.limits,
    runtime,
    verdict: comparison.verdict,
    notes: [sideText('A', a), sideText('B, the reference', b), ...comparison.notes],
    rows: comparison.rows,
    routing: comparison.routing,
    timing: { phases: [], perLayer: [] },
    memory: { gpuWeightBytes: 0, gpuPeakBytes: 0, traceBytes: 0, expertsRead: 0, bytesRead: 0 },
    top: { a: [], b: [] },
  };
}

function sideText(side: string, { name, traces }: ComparedSide): string {
  const all = tracesOf(traces).map(({ provenance }) => provenance);
  const [of] = all;
  const modes = all.map(({ mode }) => (mode === 'free' ? 'free-running' : mode));
  const made = of?.toolVersion === undefined ? '' : `, MoEscope ${of.toolVersion}`;
  const adapter = of?.adapter === undefined || of.adapter === '' ? '' : `, on ${of.adapter}`;
  return `${side}: ${of?.arm ?? 'nothing'} of ${name}, ${modes.join(' and ')}${adapter}${made}`;
}

function modelOf(comparison: TraceComparison, traces: readonly Trace[], file: string): ModelCard {
  const said = traces.map((trace) => trace.provenance);
  const first = <T>(value: (p: (typeof said)[number]) => T | undefined): T | undefined =>
    said.map(value).find((v) => v !== undefined);
  const hparams = first((p) => p.hparams) ?? inferred(comparison);
  const types = first((p) => p.weightTypes);
  const weightTypes = Object.values(types ?? {});
  const byType = Object.fromEntries(
    [...new Set(weightTypes)].map((type) => [type, { count: weightTypes.filter((t) => t === type).length, bytes: 0 }]),
  );
  return {
    name: first((p) => p.modelName) ?? 'a model that the traces do not name',
    file,
    bytes: 0,
    headerSha256: first((p) => p.headerSha256) ?? '',
    arch: hparams.arch,
    quant: '',
    hparams,
    tensors: { count: weightTypes.length, byType, ...(types === undefined ? {} : { types }) },
  };
}

/** Sizes as far as the tensors show them; 0: not known. */
function inferred({ rows, routing }: TraceComparison): HParams {
  const layers = rows.flatMap((row) => row.layer ?? []);
  const experts = routing.flatMap(({ a, b }) => [...(a?.experts ?? []), ...(b?.experts ?? [])]);
  return {
    arch: '',
    nLayer: layers.reduce((n, layer) => Math.max(n, layer + 1), 0),
    nEmbd: 0,
    nHead: 0,
    nHeadKv: 0,
    headDim: 0,
    nExpert: experts.reduce((n, expert) => Math.max(n, expert + 1), 0),
    nExpertUsed: routing.reduce((n, { a, b }) => Math.max(n, (a ?? b)?.experts.length ?? 0), 0),
    nFfExp: 0,
    nVocab: 0,
    nCtxTrain: 0,
    rmsEps: 0,
    ropeTheta: 0,
    qDim: 0,
    kvDim: 0,
    tiedEmbeddings: false,
  };
}
