import type { Capture } from '../model/engine';
import { stageSpec } from '../model/stages';
import { isRouterOutput, namesOfDump, type NamedStage } from './array-names';
import type { StoredArray } from './array-types';
import { filedPositionAxis, fromFiled, projectionWidths, splitProjections } from './filed-layout';
import { formatError } from './format-error';
import { npyFloats, npyIds } from './npy-values';
import { placeCaptures } from './place-rows';
import { checkCapture, fittedTensor } from './stage-layout';
import { createTrace } from './trace';
import type { ReadFiles } from './trace-files';
import { ROUTER_PROBS } from '../model/stage-roles';
import { locationKey } from '../model/location';

/** An array of a dump, opened when it is its turn. */
export interface NamedArray {
  /** Without the extension of a file. */
  readonly name: string;
  /** For messages, and where it is left out. */
  readonly path: string;
  readonly open: () => StoredArray;
}

export interface NamedArraysOptions {
  /** The file or folder: for messages; its last part names the engine. */
  readonly place: string;
  /** The prompt, where something else in the dump tells it. */
  readonly tokens?: readonly number[] | undefined;
  /** What is left out already. */
  readonly ignored?: readonly string[];
}

const TOKENS = /(?:^|[./])(?:tokens|input_ids)$/;
/** A distribution sums to 1, however coarsely it was rounded. */
const SUM_SLACK = 0.02;

/**
 * One trace of arrays that go by name (`namesOfDump`). C order, tokens first; axes of length 1 before or behind are left out. Which tokens the rows are follows from
 * the prompt where the dump holds it (`tokens`, `input_ids`), else from its longest array.
 * @throws TracerError `trace-format` naming the array; also where no name is known, with those that there are
 */
export function readNamedArrays(arrays: readonly NamedArray[], options: NamedArraysOptions): ReadFiles {
  const { place } = options;
  const ignored: string[] = [...(options.ignored ?? [])];
  const captures = new Map<string, Capture>();
  const given = arrays.find(({ name }) => TOKENS.test(name));
  const tokens = options.tokens ?? (given && [...npyIds(given.open(), `${place}: ${given.path}`)]);
  const stageOf = namesOfDump(arrays.map(({ name }) => name));
  for (const { name, path, open } of arrays) {
    const at = `${place}: ${path}`;
    if (TOKENS.test(name)) continue;
    const named = stageOf(name);
    if (named === undefined) {
      ignored.push(path);
      continue;
    }
    const captured = captureOf(named, name, open(), { place: at, nTokens: tokens?.length });
    const key = locationKey(captured.layer, captured.stage);
    if (captures.has(key))
      throw formatError(
        at,
        `one array for ${captured.stage}${captured.layer === undefined ? '' : ` of layer ${captured.layer}`}`,
        'a second one',
      );
    captures.set(key, captured);
  }
  if (captures.size === 0) {
    const names = ignored.slice(0, 5).join(', ');
    throw formatError(
      place,
      'arrays named as in llama.cpp (ffn_moe_out-3), as in a saved trace (layer-3/moe_ffn_out) or as modules (model.layers.3.mlp)',
      names === '' ? 'none' : names,
      'Name the arrays so: capture/FORMAT.md says which names there are.',
    );
  }
  const all = [...captures.values()];
  const placed = placeCaptures(splitProjections(all, projectionWidths(undefined, all)), tokens, place);
  const engine = engineOf(place);
  const provenance = { arm: engine, mode: 'free', ...(tokens === undefined ? {} : { tokens }) } as const;
  return { traces: [createTrace(provenance, placed.captures, placed.unplaced)], ignored };
}

function captureOf(
  { stage, layer }: NamedStage,
  name: string,
  array: StoredArray,
  { place, nTokens }: { readonly place: string; readonly nTokens: number | undefined },
): Capture {
  const values = stageSpec(stage).values === 'index' ? npyIds(array, place) : npyFloats(array, place);
  const { shape, data } = fittedTensor({ stage, shape: array.shape, data: values }, nTokens);
  const isProbs = isRouterOutput(name) && data instanceof Float32Array && areDistributions(data, shape.at(-1) ?? 1);
  const rows = shape[filedPositionAxis(stage)] ?? 0;
  const positions = Array.from({ length: rows }, (_, i) => i);
  return checkCapture(fromFiled({ stage: isProbs ? ROUTER_PROBS : stage, layer, positions, shape, data }), place);
}

function areDistributions(values: Float32Array, width: number): boolean {
  for (let at = 0; at < values.length; at += width) {
    const row = values.subarray(at, at + width);
    if (row.some((value) => !(value >= 0)) || Math.abs(row.reduce((a, b) => a + b, 0) - 1) > SUM_SLACK) return false;
  }
  return values.length > 0;
}

/** The last part of a path, without what tells its kind. */
export function engineOf(place: string): string {
  const last = place.split('/').findLast((part) => part !== '' && part !== '.') ?? place;
  return last.replace(/\.(?:npz|zip|safetensors|pt|pth|bin|json|txt|log)$/i, '');
}
