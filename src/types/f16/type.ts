import { defineType, plane } from '../define-type';
import { normal, putF16 } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** IEEE 754 binary16. */
export const f16 = defineType({
  name: 'F16',
  id: 1,
  blockSize: 1,
  typeSize: 2,
  activations: 'f16',
  floats: [f16At(0)],
  firstBit: [1, 7],
  quantsAt: undefined,
  planes: [plane(0, 2)],
  columns: '32',
  dequantise,
  fill: normal(putF16),
  defects: [
    {
      kind: 'index',
      what: 'the high halves from the low word',
      from: 'unpack2x16float(high)',
      to: 'unpack2x16float(low)',
    },
  ],
});
