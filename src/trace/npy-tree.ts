import type { Capture } from '../model/engine';
import { stageSpec } from '../model/stages';
import { isGgmlName, namesOfDump } from './array-names';
import { filedPositionAxis, fromFiled } from './filed-layout';
import { formatError } from './format-error';
import { elements, index, member, parseJson } from './json-fields';
import { openNpy } from './npy';
import { npyFloats, npyIds } from './npy-values';
import { placeCaptures } from './place-rows';
import { readParameters } from './read-parameters';
import { checkCapture, fittedTensor } from './stage-layout';
import { createTrace, type Provenance } from './trace';
import type { ReadFiles } from './trace-files';
import type { FileTree } from './zip';

/** Whether the files are a dump by ggml names: at least one is called after a tensor of llama.cpp's graph, with its layer where it has one. */
export function isNpyTree(files: FileTree): boolean {
  return [...files.keys()].some((path) => path.endsWith('.npy') && isGgmlName(stem(path)));
}

/**
 * Reads a dump with one array a tensor, named as in llama.cpp's graph with the layer behind: `<ggml name>-<layer>.npy`, whole-model
 * tensors without a layer. C order, tokens first: the reverse of ggml's `ne`. `index.json` (`tokens`, `parameters`) or `tokens.npy` may hold the
 * prompt; arrays with fewer rows then hold its last positions. Without it an array of one row beside longer ones is of the last token.
 * @throws TracerError `trace-format` naming the file.
 */
export function readNpyTree(files: FileTree, place: string): ReadFiles {
  const told = readIndex(files, place);
  const { tokens } = told;
  const ignored: string[] = [];
  const captures: Capture[] = [];
  const arrays = [...files].filter(([path]) => path.endsWith('.npy'));
  const stageOf = namesOfDump(arrays.map(([path]) => stem(path)));
  for (const [path, bytes] of files) {
    if (isTokens(path)) continue;
    const named = path.endsWith('.npy') && isGgmlName(stem(path)) ? stageOf(stem(path)) : undefined;
    if (named === undefined) {
      ignored.push(path);
      continue;
    }
    const at = `${place}: ${path}`;
    const file = openNpy(bytes, at);
    const data = stageSpec(named.stage).values === 'index' ? npyIds(file, at) : npyFloats(file, at);
    captures.push(captureOf({ ...named, shape: file.shape, data }, tokens, at));
  }
  if (captures.length === 0) throw formatError(place, 'arrays named <ggml name>-<layer>.npy', 'none');
  const placed = placeCaptures(captures, tokens, place);
  const arm = place.split('/').findLast((part) => part !== '' && part !== '.') ?? place;
  const provenance = { arm, mode: 'free', ...told } as const;
  return { traces: [createTrace(provenance, placed.captures, placed.unplaced)], ignored };
}

function stem(path: string): string {
  return path.replace(/\.npy$/, '');
}

function isTokens(path: string): boolean {
  return /(?:^|\/)(?:index\.json|tokens\.npy)$/.test(path);
}

/** What the dump tells of its run. */
function readIndex(files: FileTree, place: string): Pick<Provenance, 'tokens' | 'parameters'> {
  for (const path of files.keys()) {
    if (!isTokens(path)) continue;
    const bytes = files.get(path) ?? new Uint8Array(0);
    const at = `${place}: ${path}`;
    if (path.endsWith('.npy')) return { tokens: [...npyIds(openNpy(bytes, at), at)] };
    const document = parseJson(new TextDecoder().decode(bytes), at);
    const [tokens, parameters] = [member(document, 'tokens'), member(document, 'parameters')];
    return {
      ...(tokens.value === undefined ? {} : { tokens: elements(tokens).map((token) => index(token)) }),
      ...(parameters.value === undefined ? {} : { parameters: readParameters(parameters) }),
    };
  }
  return {};
}

function captureOf(
  found: Pick<Capture, 'stage' | 'layer' | 'shape' | 'data'>,
  tokens: readonly number[] | undefined,
  place: string,
): Capture {
  const captured = fittedTensor(found, tokens?.length);
  const rows = captured.shape[filedPositionAxis(captured.stage)] ?? 0;
  const first = Math.max(0, (tokens?.length ?? rows) - rows);
  const positions = Array.from({ length: rows }, (_, i) => first + i);
  return checkCapture(fromFiled({ ...captured, positions }), place);
}
