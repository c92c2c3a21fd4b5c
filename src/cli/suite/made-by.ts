import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { TOOL } from '../../base/version';
import type { ModelFile, TensorInfo } from '../../gguf/model-file';
import { readRegular } from '../../gguf/regular-file';
import type { MadeBy } from '../../regression/made-by';
import type { Suite, SuiteRun } from '../../regression/suite';
import { openNamedModel, type OpenOptions } from '../files/open-model';

/** Up to here every byte of a model is hashed; a larger one by samples. */
const HASHED_WHOLE = 64 * 2 ** 20;
/** Samples of a larger one, evenly spread over its tensors, and the bytes of each. */
const SAMPLES = 64;
const SAMPLE_BYTES = 16 * 2 ** 10;

type Model = Pick<MadeBy, 'model' | 'modelState'>;

/** What a model is: its header, its size, and its tensors' bytes, or samples of them. @throws TracerError of the file */
export async function fingerprintModel(name: string, options: OpenOptions = {}): Promise<Model> {
  const { signal } = options;
  const model = await openNamedModel(name, options);
  try {
    const hash = createHash('sha256').update(`${model.headerSha256} ${model.bytes}`);
    const isRemote = model.descriptors.some(({ kind }) => kind === 'http');
    // What is not on this machine is told by its size and its server's word.
    if (!isRemote) for await (const bytes of pieces(model, signal)) hash.update(bytes);
    return { model: hash.digest('hex'), modelState: await stateOf(model) };
  } finally {
    await model.close();
  }
}

async function* pieces(model: ModelFile, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const tensors = [...model.tensors.values()];
  if (model.bytes <= HASHED_WHOLE) {
    for (const tensor of tensors) yield await model.readTensor(tensor, 0, tensor.bytes, signal);
    return;
  }
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  for (let i = 0; i < SAMPLES; i++) {
    const at = tensorAt(tensors, Math.floor(((i + 0.5) * total) / SAMPLES));
    if (at === undefined) continue;
    const { tensor, offset } = at;
    yield await model.readTensor(tensor, offset, Math.min(SAMPLE_BYTES, tensor.bytes - offset), signal);
  }
}

function tensorAt(
  tensors: readonly TensorInfo[],
  byte: number,
): { readonly tensor: TensorInfo; readonly offset: number } | undefined {
  let before = 0;
  for (const tensor of tensors) {
    if (byte < before + tensor.bytes) return { tensor, offset: byte - before };
    before += tensor.bytes;
  }
  return undefined;
}

async function stateOf({ descriptors }: ModelFile): Promise<string> {
  const states = descriptors.map(async (source): Promise<string> => {
    if (source.kind === 'path') {
      const { mtimeMs, ctimeMs } = await stat(source.path);
      return `${mtimeMs} ${ctimeMs}`;
    }
    return source.kind === 'http' ? `${source.etag ?? ''} ${source.lastModified ?? ''}` : '';
  });
  return (await Promise.all(states)).join(', ');
}

/** What a run is to be made of, beside its model. */
export interface Demands {
  readonly suite: Suite;
  readonly adapter: string;
  readonly runtime: string;
  /** The file that the run is held to; undefined where there is none. */
  readonly baseline: string | undefined;
  /** How often each run is made. */
  readonly repeat: number;
  /** The run is made the baseline. */
  readonly isAccepted: boolean;
}

/** What a run would be made of now. */
export async function madeBy({ prompt, mode }: SuiteRun, model: Model, demands: Demands): Promise<MadeBy> {
  const { suite, adapter, runtime, baseline, repeat, isAccepted } = demands;
  const { stages = 'all', layers = 'all', positions = 'all', inject = [] } = suite;
  return {
    ...model,
    options: sha256(
      JSON.stringify({ prompt, mode, stages, layers, positions, inject, ...(repeat === 1 ? {} : { repeat }) }),
    ),
    adapter,
    runtime,
    baseline: isAccepted ? 'accepted' : baseline === undefined ? 'none' : sha256(await readRegular(baseline)),
    tool: `${TOOL.name} ${TOOL.version} ${TOOL.commit}`,
  };
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
