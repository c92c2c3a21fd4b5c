import { defineType, plane } from '../define-type';
import { normal } from '../lib/fill';
import { dequantise } from './dequantise';

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of an f32. */
export const bf16 = defineType({
  name: 'BF16',
  id: 30,
  blockSize: 1,
  typeSize: 2,
  activations: 'bf16',
  floats: [{ format: 'bf16', at: 0 }],
  firstBit: [1, 7],
  quantsAt: undefined,
  planes: [plane(0, 2)],
  columns: '32',
  dequantise,
  fill: normal((bytes, at, value) => {
    scratch.setFloat32(0, value, true);
    for (let i = 0; i < 2; i++) bytes[at + i] = scratch.getUint8(i + 2);
  }),
  defects: [{ kind: 'type', what: 'an exponent moved by a bit', from: 'high << 16u', to: 'high << 15u' }],
});
