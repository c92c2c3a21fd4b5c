import { expect, it } from 'vitest';
import { refuseScaled } from '../../src/arch/weight-scale';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { readHParams } from '../../src/model/read-hparams';
import { checkWeights } from '../../src/model/weights';
import { makeModel } from '../support/gguf-models';
import { tracerErrorOf } from '../support/errors';

it('a weight with a scale beside it is refused by name, an input scale is not', async () => {
  const model = await openModel([
    memorySource(makeModel({ type: 'NVFP4', shape: { nEmbd: 64, nFfExp: 64 } }), 'made.gguf'),
  ]);
  const hparams = readHParams(model);
  const [any] = model.tensors.values();
  if (any === undefined) throw new Error('no tensors');
  const withTensor = (name: string) => ({ ...model, tensors: new Map([...model.tensors, [name, { ...any, name }]]) });
  checkWeights(withTensor('blk.0.attn_q.input_scale'), hparams);
  const error = await tracerErrorOf(() => {
    checkWeights(withTensor('blk.0.ffn_down_exps.scale'), hparams);
  });
  expect(error.code).toBe('gguf-tensor-type');
  expect(error.message).toContain('blk.0.ffn_down_exps.scale');
  expect(() => {
    refuseScaled('output_norm', model);
  }).not.toThrow();
  await model.close();
});
