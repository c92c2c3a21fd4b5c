import { strFromU8, strToU8, zlibSync } from 'fflate';
import { without } from '../base/without';
import { reportToJson } from '../divergence/report-json';
import {
  REPORT_SCHEMA,
  type CompareMode,
  type Flip,
  type Report,
  type Row,
  type RowVerdict,
} from '../divergence/report';
import { stageSpec, type StageId } from '../model/stages';
import { isInherited, l2Limit } from '../plots/map/measure';
import { decodeBase64, encodeBase64 } from '../trace/base64';
import { readReport } from './check-report';
import { readStage } from './view-state';
import { inflateBounded } from './shared-view';

/**
 * A run in one or two kilobytes, for links: its verdict, and the error of every stage of every layer as a byte. Who opens the link sees the
 * same map. Tokens' errors, routing, tensors and the prompt are not in it.
 */

/** A byte of an error: nothing compared, exact, a logarithm, not finite by its inputs, not finite. */
const NONE = 0;
const EXACT = 1;
const FIRST = 2;
const LAST = 252;
const INHERITED = 253;
const INFINITE = 254;
const NAN = 255;
/** Steps a decade, and the exponent of the smallest. A step is 15 %. */
const STEPS = 16;
const SMALLEST = -9;

/** Flips are kept token by token up to so many tokens. */
const MOST_TOKENS = 32;
/** Bytes after inflating. */
const MOST_BYTES = 200_000;

interface Head {
  readonly report: unknown;
  readonly stages: readonly StageId[];
  readonly modes: readonly CompareMode[];
}

/** The summary as letters that an address may hold; undefined where nothing was compared. */
export function packSummary(report: Report): string | undefined {
  const modes = [...new Set(report.rows.filter((row) => row.count > 0).map((row) => row.mode))];
  if (modes.length === 0) return undefined;
  const stages = [...new Set(report.rows.map((row) => row.stage))];
  const byKey = new Map(report.rows.map((row) => [keyOf(row.mode, row.stage, row.layer), row]));
  const bytes: number[] = [];
  const limit = l2Limit(report);
  for (const mode of modes) {
    for (const stage of stages) {
      for (const layer of layersOf(stage, report.run.layers)) {
        const row = byKey.get(keyOf(mode, stage, layer));
        bytes.push(byteOf(row, mode, mode === 'free' ? limit : 1));
        if (stageSpec(stage).values === 'index') bytes.push(...flipBytes(row, report.run.positions));
      }
    }
  }
  const { verdict, model, run, limits, adapter, browser } = report;
  const { tokenTexts, tokens, prompt, ...rest } = run;
  const bare: Partial<Report> = {
    tool: report.tool,
    created: report.created,
    model: { ...model, tensors: without(model.tensors, 'types') },
    run: { ...rest, tokens: [], tokenTexts: [], stages: [] },
    limits,
    ...(adapter === undefined ? {} : { adapter: { ...adapter, features: [], limits: {} } }),
    ...(browser === undefined ? {} : { browser }),
    runtime: report.runtime,
    verdict,
  };
  const count = prompt === undefined && tokens.length === 0 ? (tokenTexts?.length ?? 0) : tokens.length;
  const plain: unknown = JSON.parse(reportToJson({ ...EMPTY, ...bare } as Report));
  const head = strToU8(JSON.stringify({ report: plain, stages, modes, count }));
  const all = new Uint8Array(4 + head.length + bytes.length);
  new DataView(all.buffer).setUint32(0, head.length, true);
  all.set(head, 4);
  all.set(bytes, 4 + head.length);
  return encodeBase64(zlibSync(all, { level: 9 }))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
}

const EMPTY = {
  schema: REPORT_SCHEMA,
  rows: [],
  routing: [],
  timing: { phases: [], perLayer: [] },
  memory: { gpuWeightBytes: 0, gpuPeakBytes: 0, traceBytes: 0, expertsRead: 0, bytesRead: 0 },
  top: { a: [], b: [] },
} as const;

/** Shown to a reader who opens such a link. */
export const SUMMARY_NOTE =
  'Opened from a link: its map, with errors rounded to a step of 15 %. Tokens, routing, tensors and the prompt are not in a link.';

/** The report that a summary is of, checked as every stranger's; undefined where it is none. */
export function readSummary(text: string): Report | undefined {
  try {
    const padded = text.replace(/-/g, '+').replace(/_/g, '/');
    const packed = decodeBase64(padded + '='.repeat((4 - (padded.length % 4)) % 4));
    if (packed === undefined) return undefined;
    const bytes = inflateBounded(packed, 'the link', MOST_BYTES);
    const length = new DataView(bytes.buffer).getUint32(0, true);
    const head = readHead(JSON.parse(strFromU8(bytes.subarray(4, 4 + length))));
    if (head === undefined) return undefined;
    const bare = readReport(JSON.stringify(head.report), 'the link');
    const rows = rowsOf(bare, head, bytes.subarray(4 + length));
    const stages = head.stages;
    const full: Report = { ...bare, run: { ...bare.run, stages }, rows, notes: [SUMMARY_NOTE] };
    return readReport(reportToJson(full), 'the link');
  } catch {
    // Written by anybody: whatever is wrong with it, the rest of the link still counts.
    return undefined;
  }
}

function readHead(value: unknown): Head | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { report, stages, modes } = value as Record<string, unknown>;
  if (!Array.isArray(stages) || !Array.isArray(modes)) return undefined;
  return {
    report,
    stages: stages.slice(0, 200).flatMap((stage: unknown) => readStage(stage) ?? []),
    modes: modes
      .slice(0, 3)
      .flatMap((mode) => (['free', 'isolated', 'local'] as const).find((id) => id === mode) ?? []),
  };
}

function rowsOf({ run, limits }: Report, { stages, modes }: Head, bytes: Uint8Array): readonly Row[] {
  const rows: Row[] = [];
  const limit = l2Limit({ limits });
  const [a, b] = [run.arms[0] ?? 'gpu', run.arms[1] ?? 'cpu'];
  let at = 0;
  for (const mode of modes) {
    for (const stage of stages) {
      for (const layer of layersOf(stage, run.layers)) {
        const byte = bytes[at++] ?? NONE;
        const value = valueOf(byte);
        const base = { a, b, mode, layer, stage };
        if (stageSpec(stage).values === 'index') {
          const flips = readFlips(bytes, at, run.positions);
          at += flipLength(run.positions);
          const count = value === undefined ? 0 : run.positions.length;
          const verdict = value === undefined ? 'unmeasured' : flips.length > 0 || value > 0 ? 'after-flip' : 'match';
          rows.push({
            ...base,
            verdict,
            count,
            ...(count === 0 ? {} : { jaccard: 1 - Math.min(1, value ?? 0), flips }),
          });
          continue;
        }
        const inherited = { verdict: 'nan-both', count: 1, nanA: 1, nanB: 1 } as const;
        rows.push({ ...base, ...(byte === INHERITED ? inherited : rowOf(value, mode, limit)) });
      }
    }
  }
  return rows;
}

function rowOf(
  value: number | undefined,
  mode: CompareMode,
  limit: number,
): Omit<Row, 'a' | 'b' | 'mode' | 'layer' | 'stage'> {
  if (value === undefined) return { verdict: 'unmeasured', count: 0 };
  const over = mode === 'free' ? limit : 1;
  const wrong: RowVerdict = mode === 'free' ? 'victim' : 'diverge';
  const verdict = !Number.isFinite(value) ? 'nan-gpu' : value > over ? wrong : 'match';
  const broken = Number.isNaN(value) ? { nanA: 1 } : Number.isFinite(value) ? {} : { infA: 1 };
  return { verdict, count: 1, ...(mode === 'free' ? { relL2: value } : { maxRatio: value }), ...broken };
}

/** @param limit which no rounding crosses, in either direction */
function byteOf(row: Row | undefined, mode: CompareMode, limit: number): number {
  if (row === undefined) return NONE;
  if (isInherited(row)) return INHERITED;
  if ((row.nanA ?? 0) + (row.nanB ?? 0) > 0) return NAN;
  if ((row.infA ?? 0) + (row.infB ?? 0) > 0) return INFINITE;
  if (row.count === 0) return NONE;
  const value = row.jaccard !== undefined ? 1 - row.jaccard : mode === 'free' ? row.relL2 : (row.maxRatio ?? row.relL2);
  if (value === undefined) return NONE;
  if (value === 0) return EXACT;
  if (Number.isNaN(value)) return NAN;
  const step = Math.round((Math.log10(value) - SMALLEST) * STEPS);
  const byte = Math.min(LAST, Math.max(FIRST, FIRST + step));
  const seen = valueOf(byte) ?? 0;
  if (value > limit && seen <= limit) return byte + 1;
  return value <= limit && seen > limit ? byte - 1 : byte;
}

function valueOf(byte: number): number | undefined {
  if (byte === NONE) return undefined;
  if (byte === EXACT) return 0;
  if (byte === NAN) return NaN;
  if (byte === INFINITE) return Infinity;
  if (byte === INHERITED) return NaN;
  return 10 ** ((byte - FIRST) / STEPS + SMALLEST);
}

const flipLength = (positions: readonly number[]): number =>
  positions.length > MOST_TOKENS ? 2 : Math.ceil(positions.length / 8);

/** A bit a token, or of long prompts how many flipped. */
function flipBytes(row: Row | undefined, positions: readonly number[]): readonly number[] {
  const flips = row?.flips ?? [];
  if (positions.length > MOST_TOKENS) return [flips.length & 255, Math.min(255, flips.length >> 8)];
  const bytes = new Array<number>(flipLength(positions)).fill(0);
  for (const { position } of flips) {
    const at = positions.indexOf(position);
    if (at >= 0) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  }
  return bytes;
}

function readFlips(bytes: Uint8Array, at: number, positions: readonly number[]): readonly Flip[] {
  const flip = (position: number): Flip => ({ position, onlyA: [], onlyB: [], margin: NaN });
  if (positions.length > MOST_TOKENS) {
    const count = (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
    return positions.slice(0, count).map(flip);
  }
  return positions.filter((_, i) => ((bytes[at + (i >> 3)] ?? 0) & (1 << (i & 7))) !== 0).map(flip);
}

function layersOf(stage: StageId, layers: readonly number[]): readonly (number | undefined)[] {
  return stageSpec(stage).scope === 'model' ? [undefined] : layers;
}

function keyOf(mode: CompareMode, stage: StageId, layer: number | undefined): string {
  return `${mode}/${stage}/${layer ?? ''}`;
}
