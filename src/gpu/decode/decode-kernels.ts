import { unitElements } from '../../types/lib/columns';
import { QUANT_TYPES, typeOf, type QuantType } from '../../types/types';
import type { KernelSpec, KernelVariant } from '../../ops/kernel-spec';
import { typeVariant } from '../matmul/variants';
import { weightLayout } from '../matmul/weight-layout';
import type { AttentionChoice } from './attention-plan';
import { paddedExperts } from './decode-buffers';

const base = { entry: 'main', weights: [], variants: [{ id: 'plain' }] } as const;

/** How the lanes of a product's workgroup are used. */
export interface TeamShape {
  /** Lanes that share a row. */
  readonly lanes: 4 | 8 | 16 | 32;
  /** Lanes of a workgroup; a multiple of `lanes`. The experts' second half derives its own (see {@link outGroup}). */
  readonly group: number;
  /** Rows that a team takes one after another. */
  readonly batches: 1 | 2 | 3 | 4;
}

/** The kernels whose team is a matter of choice. */
export const TEAM_KERNELS = ['qkv', 'project', 'router', 'expertsIn', 'expertsOut', 'head'] as const;
export type TeamKernel = (typeof TEAM_KERNELS)[number];

/** How the kernels of an adapter are specialised. Values differ between choices by the order of sums only. */
export interface DecodeChoice {
  /** Whether teams add up in their subgroup, or in workgroup memory. */
  readonly subgroups: boolean;
  /** How weights become floats: by each type's own way (`shaders/decode/lib/dot_*.wgsl`), or dequantised one by one. */
  readonly dots: 'own' | 'plain';
  /** Rows whose weights are under way while one is computed, where a lane has one unit of each. */
  readonly ahead: 1 | 3;
  readonly attention: AttentionChoice;
  readonly teams: Readonly<Record<TeamKernel, TeamShape>>;
}

/** The kernels of a decoded token; each file's header is its formula, its shapes and its threads. */
// prettier-ignore
export const DECODE_KERNELS = {
  embed: {
    ...base, file: 'decode/embed.wgsl', inputs: ['token', 'gain'], weights: ['weights'], outputs: ['y', 'taps'],
    params: { nIn: 'u32', rowVec4s: 'u32', firstRow: 'u32', rows: 'u32', tapEmbedding: 'u32' },
    variants: QUANT_TYPES.map(typeVariant),
  },
  qkv: {
    ...base, file: 'decode/qkv.wgsl', inputs: ['stream'], weights: ['weightsA', 'weightsB', 'weightsC'], outputs: ['y', 'taps'],
    params: {
      batches: 'u32', rowsA: 'u32', rowsB: 'u32', rowsC: 'u32', groupsA: 'u32', groupsAb: 'u32', stepA: 'u32', stepB: 'u32', stepC: 'u32', eps: 'f32', squareCount: 'u32',
      tapNorm: 'u32', tapQkv: 'u32',
    },
  },
  attention: {
    ...base, file: 'decode/attention.wgsl', inputs: ['qkv', 'step', 'gainQ', 'gainK'], outputs: ['keys', 'values', 'y', 'taps'],
    params: {
      nHead: 'u32', nHeadKv: 'u32', eps: 'f32', scale: 'f32',
      tapQNorm: 'u32', tapKNorm: 'u32', tapQRope: 'u32', tapKRope: 'u32', tapScores: 'u32', tapSoftmax: 'u32', tapAttention: 'u32',
    },
  },
  attentionShared: {
    ...base, file: 'decode/attention_shared.wgsl', inputs: ['qkv', 'step', 'gainQ', 'gainK'], outputs: ['keys', 'values', 'y', 'taps'],
    params: {
      nHead: 'u32', nHeadKv: 'u32', eps: 'f32', scale: 'f32',
      tapQNorm: 'u32', tapKNorm: 'u32', tapQRope: 'u32', tapKRope: 'u32', tapScores: 'u32',
    },
  },
  attentionTeams: {
    ...base, file: 'decode/attention_teams.wgsl', inputs: ['qkv', 'step', 'gainQ', 'gainK'], outputs: ['keys', 'values', 'y', 'taps'],
    params: {
      nHead: 'u32', nHeadKv: 'u32', eps: 'f32', scale: 'f32', isWhole: 'u32',
      tapQNorm: 'u32', tapKNorm: 'u32', tapQRope: 'u32', tapKRope: 'u32', tapScores: 'u32', tapSoftmax: 'u32', tapAttention: 'u32',
    },
  },
  attentionJoin: {
    ...base, file: 'decode/attention_join.wgsl', inputs: ['parts', 'step'], outputs: ['y', 'taps'],
    params: { nHead: 'u32', headDim: 'u32', tapScores: 'u32', tapSoftmax: 'u32', tapAttention: 'u32' },
  },
  project: {
    ...base, file: 'decode/project.wgsl', inputs: ['x', 'residual', 'gain'], weights: ['weights'], outputs: ['y', 'taps'],
    params: { batches: 'u32', rows: 'u32', step: 'u32', tapProduct: 'u32', tapSum: 'u32' },
  },
  router: {
    ...base, file: 'decode/router.wgsl', inputs: ['stream', 'gain'], weights: ['weights'], outputs: ['y', 'taps'],
    params: { batches: 'u32', rows: 'u32', step: 'u32', eps: 'f32', squareCount: 'u32', tapNorm: 'u32', tapLogits: 'u32' },
  },
  expertsIn: {
    ...base, file: 'decode/experts_in.wgsl', inputs: ['stream', 'router'], weights: ['weightsGate', 'weightsUp'], outputs: ['y', 'route', 'taps'],
    params: {
      batches: 'u32', rows: 'u32', nExpert: 'u32', stepGate: 'u32', stepUp: 'u32', firstExpert: 'u32', endExpert: 'u32', firstGate: 'u32', firstUp: 'u32', eps: 'f32', squareCount: 'u32',
      tapProbs: 'u32', tapIndices: 'u32', tapRouter: 'u32', tapGate: 'u32', tapUp: 'u32', tapSwiglu: 'u32',
    },
  },
  expertsOut: {
    ...base, file: 'decode/experts_out.wgsl', inputs: ['x', 'route', 'residual', 'gain'], weights: ['weights'], outputs: ['y', 'taps'],
    params: { batches: 'u32', rows: 'u32', step: 'u32', tapExperts: 'u32', tapSum: 'u32', tapResidual: 'u32' },
  },
  head: {
    ...base, file: 'decode/head.wgsl', inputs: ['stream'], weights: ['weights'], outputs: ['y', 'taps'],
    params: { batches: 'u32', rows: 'u32', step: 'u32', firstRow: 'u32', eps: 'f32', squareCount: 'u32', tapNorm: 'u32' },
  },
  argmaxParts: {
    ...base, file: 'decode/argmax_parts.wgsl', inputs: ['x'], outputs: ['parts'], params: { count: 'u32', perGroup: 'u32' },
  },
  argmaxLast: {
    ...base, file: 'decode/argmax_last.wgsl', inputs: ['parts'], outputs: ['token'], params: { count: 'u32' },
  },
} as const satisfies Record<string, KernelSpec>;

export type DecodeKernel = keyof typeof DECODE_KERNELS;

/** The include choices of one matrix; `suffix` as the kernel's `#include ... as` says. */
function dotOf(
  type: QuantType,
  suffix: string,
  nIn: number,
  lanes: number,
  { dots, ahead }: DecodeChoice,
): Readonly<Record<string, string>> {
  const dot =
    dots === 'own' && typeOf(type).ownDot !== undefined
      ? `decode/lib/dot_${type.toLowerCase()}.wgsl`
      : 'decode/lib/dot_plain.wgsl';
  const walk = rowUnits(type, nIn) <= lanes ? (ahead === 1 ? 'once' : 'deep') : 'many';
  return {
    [`dot${suffix}`]: dot,
    [`weights${suffix}`]: weightLayout(type).shader,
    [`walk${suffix}`]: `decode/lib/walk_${walk}.wgsl`,
  };
}

/** Units of a row: as the type's file in `shaders/` counts them. */
export function rowUnits(type: QuantType, nIn: number): number {
  return nIn / unitElements(typeOf(type).columns);
}

/** Teams that share a row of the output projection: enough for a unit a lane, if a workgroup has as many. */
export function teamsPerRow({ lanes, group }: TeamShape, units: number): number {
  let teams = 1;
  while (teams * lanes < units && 2 * teams * lanes <= group) teams *= 2;
  return teams;
}

/** What a product's workgroups are made for. */
export interface TeamJob {
  readonly kernel: TeamKernel;
  readonly nIn: number;
  /** By suffix of the kernel's `#include ... as`. */
  readonly types: Readonly<Record<string, QuantType>>;
  readonly constants?: Readonly<Record<string, number>>;
  readonly includes?: Readonly<Record<string, string>>;
}

/** How a product kernel is specialised for a job. */
export function teamVariant(choice: DecodeChoice, team: TeamShape, job: TeamJob): KernelVariant {
  const { nIn, types } = job;
  const { lanes, group } = team;
  const dots = Object.entries(types).map(([suffix, type]) =>
    dotOf(type, suffix, nIn, (job.constants?.['SHARE'] ?? 1) * lanes, choice),
  );
  const how = choice.subgroups ? 'subgroup' : 'workgroup';
  return {
    id: `${Object.values(types).join(' ')} of ${nIn}: ${how}, ${group} lanes, ${lanes} a row`,
    includes: Object.assign({ totals: `decode/lib/totals_${how}.wgsl` }, ...dots, job.includes) as Record<
      string,
      string
    >,
    constants: { LANES: lanes, GROUP: group, N_IN: nIn, ...job.constants },
    ...(choice.subgroups ? { feature: 'subgroups' } : {}),
  };
}

/** Lanes of a workgroup of the experts' second half: every slot has its teams, as many as about `team.group` lanes hold. */
export function outGroup(team: TeamShape, nUsed: number): number {
  return team.lanes * nUsed * Math.max(1, Math.floor(team.group / (team.lanes * nUsed)));
}

/** Rows that a workgroup computes at the same time, `share` teams each. */
export function rowTeams({ group, lanes }: TeamShape, share: number): number {
  return group / lanes / share;
}

/** Rows of a workgroup whose teams have a row each. */
export function rowsPerGroup({ group, lanes, batches }: TeamShape): number {
  return (group / lanes) * batches;
}

/** q, k and v as up to three matrices, one product for each; those that are not there take no code. */
export function qkvJob(matrices: readonly QuantType[], nIn: number): TeamJob {
  const names = ['A', 'B', 'C'];
  const types = Object.fromEntries(matrices.map((type, i) => [names[i] ?? '', type]));
  const rows = names.map((name) => [
    `rows${name}`,
    `decode/lib/${types[name] === undefined ? 'no_rows' : 'team_dot'}.wgsl`,
  ]);
  return { kernel: 'qkv', nIn, types, includes: Object.fromEntries(rows) as Record<string, string> };
}

/** Columns of four keys that a lane of choose_experts_subgroup.wgsl has room for. */
const HELD_KEYS = 16;

/** The first half of the experts: rows of gate and up together where they are of one type and a lane has one unit of each. */
export function expertsInJob(
  choice: DecodeChoice,
  shape: {
    readonly gate: QuantType;
    readonly up: QuantType;
    readonly nIn: number;
    readonly nExpert: number;
    readonly nUsed: number;
  },
): TeamJob {
  const { gate, up, nIn, nExpert, nUsed } = shape;
  const isPair = gate === up && rowUnits(gate, nIn) <= choice.teams.expertsIn.lanes;
  const pair = isPair ? (choice.ahead === 1 ? 'once' : 'deep') : 'many';
  const walk = `decode/lib/walk_${isPair ? 'none' : 'many'}.wgsl`;
  const padded = paddedExperts(nExpert);
  const isHeld = choice.subgroups && padded / 4 <= HELD_KEYS * choice.teams.expertsIn.lanes;
  return {
    kernel: 'expertsIn',
    nIn,
    types: { Gate: gate, Up: up },
    constants: { EXPERTS: padded, USED: nUsed },
    includes: {
      choose: `decode/lib/choose_experts${isHeld ? '_subgroup' : ''}.wgsl`,
      pair: `decode/lib/pair_${pair}.wgsl`,
      walkGate: walk,
      walkUp: walk,
    },
  };
}
