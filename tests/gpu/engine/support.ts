import { createCpuEngine } from '../../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../../src/cpu/pool/inline-pool';
import { memorySource } from '../../../src/gguf/memory-source';
import type { ModelFile } from '../../../src/gguf/model-file';
import { openModel } from '../../../src/gguf/open-model';
import type { GpuEngine } from '../../../src/gpu/engine/gpu-engine';
import type { CaptureRequest, StepResult, Capture } from '../../../src/model/engine';
import type { HParams } from '../../../src/model/hparams';
import { readHParams } from '../../../src/model/read-hparams';
import { makeModel, type ModelRecipe } from '../../support/gguf-models';
import { captureAll, range } from '../../cpu/support';

/** A generated model in memory. */
export async function made(recipe: ModelRecipe): Promise<{ readonly model: ModelFile; readonly hparams: HParams }> {
  const model = await openModel([memorySource(makeModel(recipe), 'made.gguf')]);
  return { model, hparams: readHParams(model) };
}

/** One stage of the GPU engine beside the reference's. */
export interface CapturePair {
  readonly name: string;
  readonly actual: Capture;
  readonly expected: Capture;
}

/** Drives the reference through a prompt and isolates every stage of every step on the GPU. The reference captures bounds. */
export async function isolateAll(
  gpu: GpuEngine,
  model: ModelFile,
  hparams: HParams,
  tokens: Uint32Array<ArrayBuffer>,
  capture: CaptureRequest = captureAll(range(tokens.length)),
): Promise<readonly CapturePair[]> {
  const cpu = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  const all = { capture: captureAll(range(tokens.length)), bounds: true };
  const pairs: CapturePair[] = [];
  let layerInput: Capture | undefined;
  const compare = async (layer: number | undefined, reference: StepResult): Promise<void> => {
    const held = [...capture].filter(([stage]) => reference.captures.has(stage));
    const { captures } = await gpu.isolate(
      layer,
      { captures: reference.captures, layerInput },
      { capture: new Map(held) },
    );
    for (const [stage, expected] of reference.captures) {
      const actual = captures.get(stage);
      if (actual !== undefined) pairs.push({ name: `${stage} ${String(layer)}`, actual, expected });
    }
  };
  await gpu.begin(tokens, 0, { capture: new Map() });
  const begun = await cpu.begin(tokens, 0, all);
  await compare(undefined, begun);
  layerInput = begun.captures.get('embedding');
  for (let layer = 0; layer < hparams.nLayer; layer++) {
    const step = await cpu.layer(layer, all);
    await compare(layer, step);
    layerInput = step.captures.get('post_ffn_residual');
  }
  await compare(undefined, await cpu.end(all));
  await cpu.dispose();
  return pairs;
}

/** The largest error of a capture as a share of the reference's bound. */
export function worstRatio({ actual, expected }: CapturePair): number {
  let worst = 0;
  actual.data.forEach((value, i) => {
    const bound = expected.bound?.[i] ?? NaN;
    const error = Math.abs(value - (expected.data[i] ?? NaN));
    const ratio = error === 0 ? 0 : error / bound;
    worst = Number.isNaN(ratio) ? Infinity : Math.max(worst, ratio);
  });
  return worst;
}
