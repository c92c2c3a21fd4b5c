import { describe, expect, it } from 'vitest';
import { readTraces } from '../../src/trace/read-traces';
import {
  ascii,
  dict,
  global,
  int,
  join,
  list,
  tensor,
  torchFile,
  tuple,
  unicode,
  type Part,
} from '../support/torch-file';
import { formatErrorOf } from './arbitrary';

describe('a PyTorch file', () => {
  it("a pass of SGLang's dump: modules by name, several outputs as lists, bfloat16, a transposed tensor", () => {
    const bf16 = Uint16Array.of(0x3f80, 0xc000, 0x7fc0, 0x3e80);
    const program = dict(
      ['model.layers.0.mlp', tensor('0', 'BFloat16Storage', 4, [2, 2], [2, 1])],
      [
        'model.layers.1.input_layernorm',
        list(tensor('1', 'FloatStorage', 6, [2, 3], [3, 1]), tensor('1', 'FloatStorage', 6, [2, 3], [3, 1])),
      ],
      ['model.layers.1.mlp.gate', list(tensor('1', 'FloatStorage', 6, [2, 2], [1, 2], 1), [0x4e])],
      ['model.layers.1.mlp.topk', list(tensor('2', 'LongStorage', 2, [2, 1], [1, 1]))],
      ['model.forward_batch_info.input_ids', tensor('2', 'LongStorage', 2, [2], [1])],
      ['lm_head', tensor('1', 'FloatStorage', 6, [1, 3], [3, 1], 3)],
      ['scale', int(7)],
    );
    const data = { 0: bf16, 1: Float32Array.of(1, 2, 3, 4, 5, 6), 2: BigInt64Array.of(9n, 8n) };
    const read = readTraces(torchFile(program, data), 'Pass00000.pt');
    const [trace] = read.traces;
    expect(trace?.provenance).toEqual({ arm: 'Pass00000', mode: 'free', tokens: [9, 8] });
    expect([...(trace?.captures.get('layer-0/moe_ffn_out')?.data ?? [])]).toEqual([1, -2, NaN, 0.25]);
    expect([...(trace?.captures.get('layer-1/attn_norm')?.data ?? [])]).toEqual([1, 2, 3, 4, 5, 6]);
    // Column by column in the storage, from its second element on.
    expect([...(trace?.captures.get('layer-1/moe_router_logits')?.data ?? [])]).toEqual([2, 4, 3, 5]);
    expect(trace?.captures.get('lm_head')).toMatchObject({ shape: [1, 3], positions: [1] });
    expect(read.ignored).toEqual(['model.layers.1.input_layernorm#1', 'model.layers.1.mlp.topk']);
  });

  it.each<readonly [string, Part]>([
    ['a call of the shell', join(global('posix', 'system'), tuple(unicode('echo gotcha')), [0x52])],
    ['a name by the stack', join(unicode('builtins'), unicode('eval'), [0x93])],
    ['an object to be built', join(global('collections', 'OrderedDict'), [0x29, 0x81, 0x4e, 0x62])],
    ['an instance', join([0x28], ascii('ios\nsystem\n'))],
    ['an extension', [0x82, 1]],
    ['a storage from somewhere', join(unicode('http://x'), [0x51])],
    ['a tensor of something else', join(global('torch._utils', '_rebuild_tensor_v2'), tuple(int(1)), [0x52])],
  ])('%s is refused', (_, program) => {
    const error = formatErrorOf(() => readTraces(torchFile(program, {}), 'x.pt'));
    expect(error.code).toBe('trace-format');
    expect(error.remedy).toContain('safetensors');
    expect(error.message).toContain('byte');
  });

  it.each<readonly [string, Part, RegExp]>([
    ['a tensor behind its storage', dict(['lm_head', tensor('0', 'FloatStorage', 4, [2, 4], [4, 1])]), /32 bytes/],
    ['a tensor with gaps', dict(['lm_head', tensor('0', 'FloatStorage', 4, [2, 1], [2, 2])]), /one piece|bytes/],
    ['a storage that is not there', dict(['lm_head', tensor('9', 'FloatStorage', 4, [1, 4], [4, 1])]), /data\/9/],
    [
      'complex numbers',
      dict(['lm_head', tensor('0', 'ComplexFloatStorage', 2, [1, 2], [2, 1])]),
      /ComplexFloatStorage/,
    ],
    ['nothing by a known name', dict(['weights', tensor('0', 'FloatStorage', 4, [4], [1])]), /weights/],
    ['an end in the middle', [0x58, 255, 255, 255, 127], /end of the file/],
  ])('%s is told as that', (_, program, said) => {
    const error = formatErrorOf(() => readTraces(torchFile(program, { 0: Float32Array.of(1, 2, 3, 4) }), 'x.pt'));
    expect(error.message).toMatch(said);
  });

  it('tensors over one storage do not multiply it without end', () => {
    const many = Array.from(
      { length: 40 },
      (_, l) => [`model.layers.${l}.mlp`, tensor('0', 'FloatStorage', 4096, [16, 256], [256, 1])] as const,
    );
    const program = dict(...many);
    expect(
      formatErrorOf(() => readTraces(torchFile(program, { 0: new Float32Array(4096).fill(1) }), 'x.pt')).message,
    ).toContain('as the archive');
  });

  it('a list that holds itself ends', () => {
    // ] q1 ( h1 h1 h1 e: three times itself.
    const selfish: Part = [0x5d, 0x71, 1, 0x28, 0x68, 1, 0x68, 1, 0x68, 1, 0x65];
    expect(formatErrorOf(() => readTraces(torchFile(selfish, {}), 'x.pt')).message).toContain('levels');
  });
});
