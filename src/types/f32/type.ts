import { defineType, plane } from '../define-type';
import { normal } from '../lib/fill';
import { dequantise } from './dequantise';

const scratch = new DataView(new ArrayBuffer(4));

/** IEEE 754 binary32. */
export const f32 = defineType({
  name: 'F32',
  id: 0,
  blockSize: 1,
  typeSize: 4,
  activations: 'f32',
  floats: [{ format: 'f32', at: 0 }],
  firstBit: [3, 7],
  quantsAt: undefined,
  planes: [plane(0, 4)],
  columns: '32',
  ownDot: {},
  dequantise,
  fill: normal((bytes, at, value) => {
    scratch.setFloat32(0, value, true);
    for (let i = 0; i < 4; i++) bytes[at + i] = scratch.getUint8(i);
  }),
  defects: [{ kind: 'index', what: 'the fourth vec4 read twice', from: 'unit.values[3]', to: 'unit.values[2]' }],
});
