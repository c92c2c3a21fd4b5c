import type { Tap } from '../model/engine';
import { STAGES, stageSpec, type StageId } from '../model/stages';
import { filedPositionAxis, fromFiled, isProjection } from './filed-layout';
import { formatError } from './format-error';
import { elements, index, member, parseJson } from './json-fields';
import { openNpy, type NpyFile } from './npy';
import { npyFloats, npyIds } from './npy-values';
import { placeTaps } from './place-rows';
import { checkTap } from './stage-layout';
import { createTrace } from './trace';
import type { ReadFiles } from './trace-files';
import type { FileTree } from './zip';
import { EMBEDDING } from '../model/stage-roles';

/** Further names of stages in such dumps. */
const OTHER_NAMES: readonly (readonly [string, StageId])[] = [['embd', EMBEDDING]];

const STAGE_OF: ReadonlyMap<string, StageId> = new Map([
  ...STAGES.flatMap(({ ggml, id }) => ggml.map((name) => [name, id] as const)),
  ...OTHER_NAMES,
]);

/** What a file name says: `ffn_moe_out-3.npy`. */
interface NpyName {
  readonly name: string;
  readonly layer: number | undefined;
}

/** Whether the files are a dump by ggml names: at least one is called after a tensor of llama.cpp's graph, with its layer where it has one. */
export function isNpyTree(files: FileTree): boolean {
  return [...files.keys()].some((path) => {
    const named = parseName(path);
    return named !== undefined && stageNamed(named) !== undefined;
  });
}

/**
 * Reads a dump with one array a tensor, named as in llama.cpp's graph with the layer behind: `<ggml name>-<layer>.npy`, whole-model
 * tensors without a layer. C order, tokens first: the reverse of ggml's `ne`. `index.json` (`tokens`) or `tokens.npy` may hold the
 * prompt; arrays with fewer rows then hold its last positions. Without it an array of one row beside longer ones is of the last token.
 * @throws TracerError `trace-format` naming the file.
 */
export function readNpyTree(files: FileTree, place: string): ReadFiles {
  const tokens = readTokens(files, place);
  const ignored: string[] = [];
  const taps: Tap[] = [];
  for (const path of files.keys()) {
    if (isTokens(path)) continue;
    const named = parseName(path);
    const stage = named === undefined ? undefined : stageNamed(named);
    const at = `${place}: ${path}`;
    const open = (): NpyFile => openNpy(files.get(path) ?? new Uint8Array(0), at);
    if (named !== undefined && stage !== undefined) {
      const file = open();
      const data = stageSpec(stage).values === 'index' ? npyIds(file, at) : npyFloats(file, at);
      taps.push(tapOf({ stage, layer: named.layer, shape: file.shape, data }, tokens, at));
    } else {
      ignored.push(path);
    }
  }
  if (taps.length === 0) throw formatError(place, 'arrays named <ggml name>-<layer>.npy', 'none');
  const placed = placeTaps(taps, tokens, place);
  const arm = place.split('/').findLast((part) => part !== '' && part !== '.') ?? place;
  const provenance = { arm, mode: 'free', ...(tokens === undefined ? {} : { tokens }) } as const;
  return { traces: [createTrace(provenance, placed)], ignored };
}

function parseName(path: string): NpyName | undefined {
  const match = /(?:^|\/)([A-Za-z_][\w.]*?)(?:-(\d{1,9}))?\.npy$/.exec(path);
  if (match?.[1] === undefined) return undefined;
  return { name: match[1], layer: match[2] === undefined ? undefined : Number(match[2]) };
}

function stageNamed({ name, layer }: NpyName): StageId | undefined {
  const stage = STAGE_OF.get(name);
  const isHere = stage !== undefined && (stageSpec(stage).scope === 'layer') === (layer !== undefined);
  return isHere ? stage : undefined;
}

function isTokens(path: string): boolean {
  return /(?:^|\/)(?:index\.json|tokens\.npy)$/.test(path);
}

function readTokens(files: FileTree, place: string): readonly number[] | undefined {
  for (const path of files.keys()) {
    if (!isTokens(path)) continue;
    const bytes = files.get(path) ?? new Uint8Array(0);
    const at = `${place}: ${path}`;
    if (path.endsWith('.npy')) return [...npyIds(openNpy(bytes, at), at)];
    const tokens = member(parseJson(new TextDecoder().decode(bytes), at), 'tokens');
    return tokens.value === undefined ? undefined : elements(tokens).map((token) => index(token));
  }
  return undefined;
}

function tapOf(
  tap: Pick<Tap, 'stage' | 'layer' | 'shape' | 'data'>,
  tokens: readonly number[] | undefined,
  place: string,
): Tap {
  const { stage } = tap;
  const rank = stageSpec(stage).shape.length || 2;
  const shape = isProjection(stage) ? joinHeads(tap.shape) : withoutUnitAxes(tap.shape, rank);
  const rows = shape[filedPositionAxis(stage)] ?? 0;
  const first = Math.max(0, (tokens?.length ?? rows) - rows);
  const positions = Array.from({ length: rows }, (_, i) => first + i);
  return checkTap(fromFiled({ ...tap, positions, shape }), place);
}

/** Dumps pad shapes to four axes: leading axes of length 1 go first, then trailing ones. */
function withoutUnitAxes(shape: readonly number[], rank: number): readonly number[] {
  if (shape.length <= rank) return shape;
  if (shape[0] === 1) return withoutUnitAxes(shape.slice(1), rank);
  return shape.at(-1) === 1 ? withoutUnitAxes(shape.slice(0, -1), rank) : shape;
}

/** (nTokens, channels), (nTokens, heads, headDim), or four axes with a leading 1 -> (nTokens, channels). */
function joinHeads(shape: readonly number[]): readonly number[] {
  const [rows = 0, ...rest] = shape.length > 3 ? withoutUnitAxes(shape, 3) : shape;
  return [rows, rest.reduce((a, b) => a * b, 1)];
}
