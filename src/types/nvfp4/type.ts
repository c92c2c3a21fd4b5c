import { defineType, plane } from '../define-type';
import { E2M1_DOUBLED } from '../lib/e2m1';
import { type FillBlock, fillBytes, rmsOf } from '../lib/fill';
import type { FloatField } from '../lib/float-field';
import { HALF_UE4M3, LARGEST_UE4M3 as LARGEST } from '../lib/ue4m3';
import { dequantise } from './dequantise';

const scaleAt = (at: number): FloatField => ({ format: 'ue4m3', at });

/** Scales are a mixture of the two nearest codes that has the wanted mean square, as far as codes go: the largest is 448. */
const fill: FillBlock = (bytes, at, rms, random) => {
  fillBytes(bytes, at, at + 36, random);
  const wanted = rms / rmsOf(E2M1_DOUBLED);
  const above = HALF_UE4M3.subarray(0, LARGEST + 1).findIndex((half) => half >= wanted);
  const larger = above === -1 ? LARGEST : above;
  const [low = 0, high = 0] = [HALF_UE4M3[larger - 1], HALF_UE4M3[larger]];
  const shareOfLarger = (wanted ** 2 - low ** 2) / (high ** 2 - low ** 2);
  for (let sub = 0; sub < 4; sub++) bytes[at + sub] = random.uniform() < shareOfLarger ? larger : larger - 1;
  if (wanted === 0) bytes.fill(0, at, at + 4);
};

/** E2M1 weights and an UE4M3 scale for each 16. */
export const nvfp4 = defineType({
  name: 'NVFP4',
  id: 40,
  blockSize: 64,
  typeSize: 36,
  activations: 'q8_0',
  floats: [scaleAt(0), scaleAt(1), scaleAt(2), scaleAt(3)],
  firstBit: [4, 2],
  quantsAt: 4,
  planes: [plane(4, 32), plane(0, 4)],
  columns: '32',
  dequantise,
  fill,
  defects: [
    { kind: 'type', what: 'the code that is zero read as 480', from: 'code == 0x7fu', to: 'code == 0xffu' },
    { kind: 'scale', what: 'scales not halved', from: '+ 119u', to: '+ 120u' },
    {
      kind: 'index',
      what: 'two of the high quarters swapped',
      from: 'a * e2m1Doubled(high.x), a * e2m1Doubled(high.y)',
      to: 'a * e2m1Doubled(high.y), a * e2m1Doubled(high.x)',
    },
  ],
});
