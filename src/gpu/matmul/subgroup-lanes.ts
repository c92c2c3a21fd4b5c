import type { GpuContext } from '../device';
import type { KernelSpec } from '../../ops/kernel-spec';
import { getPipeline } from '../pipelines';
import { readBack } from '../readback';
import { Recorder } from '../recorder';

/** For every invocation, its subgroup's size and its place in it. */
export const SUBGROUP_LANES = {
  file: 'subgroup_lanes.wgsl',
  entry: 'main',
  inputs: [],
  weights: [],
  outputs: ['y'],
  params: { count: 'u32' },
  variants: [{ id: 'plain', feature: 'subgroups' }],
} as const satisfies KernelSpec;

/** Workgroup of the lane group kernels and of the question. */
const WORKGROUP = 128;
/** Workgroups that are asked: enough for several to run at once. */
const GROUPS = 64;

const known = new WeakMap<GPUDevice, Promise<number>>();

/**
 * How many neighbouring lanes of a workgroup are sure to share a subgroup in order: the adapter's smallest subgroup if the adapter
 * says so and an experiment bears it out, else 0. Asked once for each device.
 */
export function subgroupLanes(context: GpuContext): Promise<number> {
  let answer = known.get(context.device);
  if (answer === undefined) {
    answer = ask(context);
    known.set(context.device, answer);
    answer.catch(() => known.delete(context.device));
  }
  return answer;
}

async function ask(context: GpuContext): Promise<number> {
  const smallest = context.device.adapterInfo.subgroupMinSize ?? 0;
  if (!context.has('subgroups') || smallest < 4) return 0;
  const count = WORKGROUP * GROUPS;
  const pipeline = await getPipeline(context, SUBGROUP_LANES, { id: 'plain', feature: 'subgroups' });
  const recorder = new Recorder(context);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
  const buffer = context.allocate('subgroup lanes', 8 * count, usage);
  try {
    recorder.dispatch(pipeline, { y: { buffer } }, { count }, [GROUPS]);
    recorder.submit();
    const pairs = new Uint32Array(await readBack(context, [{ buffer, offset: 0, size: 8 * count }]));
    return usableLanes(pairs, smallest);
  } finally {
    context.release(buffer);
    recorder.dispose();
  }
}

/** The smallest subgroup, if every lane's place is its index in the workgroup modulo its subgroup's size; else 0. */
export function usableLanes(pairs: Uint32Array, smallest: number): number {
  for (let lane = 0; 2 * lane < pairs.length; lane++) {
    const size = pairs[2 * lane] ?? 0;
    if (size < smallest || WORKGROUP % size !== 0 || pairs[2 * lane + 1] !== (lane % WORKGROUP) % size) return 0;
  }
  return smallest;
}
