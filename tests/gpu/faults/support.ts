import { createCpuEngine } from '../../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../../src/cpu/pool/inline-pool';
import { compareStep } from '../../../src/divergence/compare-step';
import { NO_FLIPS } from '../../../src/divergence/flip-state';
import { LIMITS } from '../../../src/divergence/limits';
import type { Row, Verdict } from '../../../src/divergence/report';
import { judge } from '../../../src/divergence/verdict';
import type { ModelFile } from '../../../src/gguf/model-file';
import type { GpuContext } from '../../../src/gpu/device';
import type { GpuEngine } from '../../../src/gpu/engine/gpu-engine';
import { createFaultyEngine } from '../../../src/gpu/faults/faulty-engine';
import type { Capture } from '../../../src/model/engine';
import type { Fault } from '../../../src/model/faults';
import type { HParams } from '../../../src/model/hparams';
import { readHParams } from '../../../src/model/read-hparams';
import type { StageId } from '../../../src/model/stages';
import { LAYER_STAGES } from '../../support/stages';
import { captureAll, openGolden, range } from '../../cpu/support';

type Captures = ReadonlyMap<StageId, Capture>;

/** What the reference computed of one model and prompt, with bounds: computed once, judged against many times. */
export interface Reference {
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly layers: readonly { readonly captures: Captures; readonly layerInput: Capture | undefined }[];
}

/** Runs a golden model's reference; the caller closes the model. */
export async function referenceOf(name: string, tokens: readonly number[]): Promise<Reference> {
  const { model } = await openGolden(name);
  return referenceOfModel(model, tokens);
}

/** {@link referenceOf} of an opened model. */
export async function referenceOfModel(model: ModelFile, tokens: readonly number[]): Promise<Reference> {
  const hparams = readHParams(model);
  const cpu = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  const ids = Uint32Array.from(tokens);
  const options = { capture: captureAll(range(ids.length)), bounds: true };
  let layerInput = (await cpu.begin(ids, 0, options)).captures.get('embedding');
  const layers: { readonly captures: Captures; readonly layerInput: Capture | undefined }[] = [];
  for (let l = 0; l < hparams.nLayer; l++) {
    const { captures } = await cpu.layer(l, options);
    layers.push({ captures, layerInput });
    layerInput = captures.get('post_ffn_residual');
  }
  await cpu.dispose();
  return { model, hparams, tokens: ids, layers };
}

/** What is said of the layers that faults strike, each stage fed with the reference's inputs. */
export interface Isolated {
  readonly rows: readonly Row[];
  readonly verdict: Verdict;
}

/** Isolates the layers of these faults on an engine that has all of them, and judges. */
export async function isolateFaults(
  context: GpuContext,
  reference: Reference,
  faults: readonly Fault[],
  layers: readonly number[] = [...new Set(faults.map((fault) => fault.layer))],
): Promise<Isolated> {
  const { model, hparams } = reference;
  const engine = createFaultyEngine({ context, model, hparams }, faults);
  try {
    return await isolateLayers(engine, reference, layers, LAYER_STAGES);
  } finally {
    await engine.dispose();
  }
}

/** Isolates these stages of layers on an engine, and judges. */
export async function isolateLayers(
  engine: GpuEngine,
  reference: Reference,
  layers: readonly number[],
  stages: readonly StageId[],
): Promise<Isolated> {
  const { model, hparams, tokens } = reference;
  const rows: Row[] = [];
  const positions = range(tokens.length);
  await engine.begin(tokens, 0, { capture: new Map() });
  for (const layer of layers) {
    const step = reference.layers[layer];
    if (step === undefined) throw new Error(`no layer ${layer}`);
    const capture = new Map(stages.map((stage) => [stage, positions] as const));
    const { captures } = await engine.isolate(layer, step, { capture });
    const compared = compareStep(layer, captures, step.captures, NO_FLIPS, {
      a: 'gpu',
      b: 'cpu',
      mode: 'isolated',
      stages,
      nExpert: hparams.nExpert,
      cosineLimit: LIMITS.cosine.value,
      ratioLimit: LIMITS.ratio.value,
    });
    rows.push(...compared.rows);
  }
  const { verdict } = judge(
    {
      rows,
      limits: { cosine: LIMITS.cosine.value, ratio: LIMITS.ratio.value },
      complete: true,
      layersDone: layers.length,
      nTokens: tokens.length,
      engines: ['gpu', 'cpu'],
    },
    {
      hparams,
      typeOf: (tensor) => model.tensors.get(tensor)?.type,
      expertAt: (layer, position, slot) =>
        reference.layers[layer]?.captures.get('moe_router_indices')?.data[position * hparams.nExpertUsed + slot],
    },
  );
  return { rows, verdict };
}
