import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import type { ModelFile } from '../../src/gguf/model-file';
import type { Engine, CaptureRequest, StepOptions, Capture } from '../../src/model/engine';
import type { HParams } from '../../src/model/hparams';
import { readHParams } from '../../src/model/read-hparams';
import { COMPUTED_STAGES, type StageId } from '../../src/model/stages';

import { goldenModelPath } from '../support/golden';

/** An opened golden model; the caller closes it. */
export async function openGolden(name: string): Promise<{ readonly model: ModelFile; readonly hparams: HParams }> {
  const model = await openModel([await nodeSource(goldenModelPath(name))]);
  return { model, hparams: readHParams(model) };
}

/** Every stage of every architecture at these positions. */
export function captureAll(positions: readonly number[]): CaptureRequest {
  return new Map(COMPUTED_STAGES.map((stage) => [stage, positions]));
}

/** The numbers first .. first + count - 1. */
export function range(count: number, first = 0): readonly number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** A whole forward pass. */
export interface Forward {
  /** @throws when the stage was not captured */
  captured(stage: StageId, layer?: number): Capture;
  readonly captures: readonly Capture[];
}

/** Runs begin, every layer and end with the same options. */
export async function forward(
  engine: Engine,
  hparams: HParams,
  tokens: Uint32Array<ArrayBuffer>,
  options: StepOptions,
  nPast = 0,
): Promise<Forward> {
  const captures: Capture[] = [];
  captures.push(...(await engine.begin(tokens, nPast, options)).captures.values());
  for (let l = 0; l < hparams.nLayer; l++) captures.push(...(await engine.layer(l, options)).captures.values());
  captures.push(...(await engine.end(options)).captures.values());
  return {
    captures,
    captured(stage, layer) {
      const found = captures.find((t) => t.stage === stage && t.layer === layer);
      if (found === undefined) throw new Error(`no capture of ${stage} in layer ${String(layer)}`);
      return found;
    },
  };
}

/** The bits of a capture, for comparisons that NaN must pass too. */
export function bits(captured: Capture): Uint32Array {
  return new Uint32Array(captured.data.buffer, captured.data.byteOffset, captured.data.length);
}
