import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { stageSpec, type StageId } from '../../src/model/stages';
import { ACTIVE_STAGES } from './stages';
import { isHeadsFirst, swapLeadingAxes } from '../../src/trace/filed-layout';

const ROOT = fileURLToPath(new URL('../golden/', import.meta.url));
export const SAMPLE_PATH = fileURLToPath(new URL('../../public/sample/tiny-moe-6x16-Q4_K_M.gguf', import.meta.url));

/** Folder names of the golden models, each with a `model.gguf`. */
export const GOLDEN_MODELS: readonly string[] = readdirSync(ROOT)
  .filter((name) => existsSync(`${ROOT}${name}/model.gguf`))
  .sort();

/** Path of a golden model's GGUF, the sample's included (`tiny-moe-6x16`). */
export function goldenModelPath(model: string): string {
  return model === 'tiny-moe-6x16' ? SAMPLE_PATH : `${ROOT}${model}/model.gguf`;
}

/** Prompts that exist for the model: p1, p12, p300-last8 (p0, p1 for the sample). */
export function goldenPrompts(model: string): readonly string[] {
  return readdirSync(`${ROOT}${model}`)
    .filter((f) => f.endsWith('.npz') && !f.startsWith('llamacpp-'))
    .map((f) => f.replace('.npz', ''))
    .sort();
}

export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

export interface Golden {
  readonly model: string;
  readonly prompt: string;
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** The prompt positions that the arrays hold. */
  readonly positions: readonly number[];
  /** Raw arrays by file name, `<ggml name>-<layer>`. */
  readonly arrays: ReadonlyMap<string, GoldenArray>;
  /** The exact value of a stage, or undefined where the golden does not hold it. */
  stage(stage: StageId, layer: number | undefined): GoldenArray | undefined;
  /** Every (stage, layer) that the golden holds. */
  readonly held: readonly { readonly stage: StageId; readonly layer: number | undefined }[];
}

/** Golden array names where they differ from the stage table's ggml names. */
const NAMES: Partial<Record<StageId, string>> = {
  embedding: 'embd',
};

/** Reads one golden: `loadGolden('mini-q4_k_m', 'p12')`, or llama.cpp's own values with `llamacpp-p12`. */
export function loadGolden(model: string, prompt: string): Golden {
  const entries = unzipSync(readFileSync(`${ROOT}${model}/${prompt}.npz`));
  const arrays = new Map<string, GoldenArray>();
  for (const [file, bytes] of Object.entries(entries)) arrays.set(file.replace('.npy', ''), parseNpy(bytes));
  const tokens = Uint32Array.from(arrays.get('tokens')?.data ?? []);
  const last = /last(\d+)$/.exec(prompt)?.[1];
  const first = last === undefined ? 0 : tokens.length - Number(last);
  const positions = Array.from({ length: tokens.length - first }, (_, i) => first + i);
  const find = (name: string, layer: number | undefined): GoldenArray | undefined =>
    arrays.get(layer === undefined ? name : `${name}-${layer}`);
  const stage = (id: StageId, layer: number | undefined): GoldenArray | undefined =>
    tokensFirst(id, find(NAMES[id] ?? stageSpec(id).ggml[0] ?? id, layer));
  const nLayer = 1 + Math.max(...[...arrays.keys()].map((k) => Number(/-(\d+)$/.exec(k)?.[1] ?? -1)));
  const held = ACTIVE_STAGES.flatMap((id) => {
    const layers = stageSpec(id).scope === 'model' ? [undefined] : Array.from({ length: nLayer }, (_, l) => l);
    return layers.filter((layer) => stage(id, layer) !== undefined).map((layer) => ({ stage: id, layer }));
  });
  return { model, prompt, tokens, positions, arrays, stage, held };
}

/** sqrt(sum (a-b)^2 / sum b^2); NaN anywhere gives NaN; 0 when both are all zero. */
export function relativeRms(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`lengths differ: ${a.length} and ${b.length}`);
  let error = 0;
  let norm = 0;
  for (let i = 0; i < a.length; i++) {
    const d = (a[i] ?? NaN) - (b[i] ?? NaN);
    error += d * d;
    norm += (b[i] ?? NaN) ** 2;
  }
  return error === 0 && norm === 0 ? 0 : Math.sqrt(error / norm);
}

/** Files hold attention's heads first: (heads, tokens, keys) -> (tokens, heads, keys). */
function tokensFirst(stage: StageId, found: GoldenArray | undefined): GoldenArray | undefined {
  const [heads = 0, tokens = 0, keys = 0] = found?.shape ?? [];
  if (found === undefined || !isHeadsFirst(stage) || found.data instanceof Int32Array) return found;
  return { shape: [tokens, heads, keys], data: swapLeadingAxes(found.data, heads, tokens, keys) };
}

/** A C-order array of f32 or i32. @throws for another */
export function parseNpy(bytes: Uint8Array): GoldenArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + headerLength));
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((s) => s.trim() !== '')
    .map(Number);
  const body = bytes.slice(10 + headerLength).buffer;
  if (header.includes("'fortran_order': True")) throw new Error('golden arrays are C order');
  if (header.includes("'<f4'")) return { shape, data: new Float32Array(body) };
  if (header.includes("'<i4'")) return { shape, data: new Int32Array(body) };
  throw new Error(`unexpected npy type: ${header}`);
}
