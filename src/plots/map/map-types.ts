import type { CompareMode, Culprit, Row } from '../../divergence/report';
import type { StageId } from '../../model/stages';
import type { TraceView } from '../trace-view';
import type { Bin, Measure } from './measure';

/** How far a wrong input reaches into a place that is right by itself: not at all, below the limit, or beyond it. */
export type Shade = 'none' | 'half' | 'full';

/** Stages that belong together, as the machine is built. */
export const GROUPS = ['attention', 'router', 'experts', 'output'] as const;
export type Group = (typeof GROUPS)[number];

export interface MapRow {
  readonly stage: StageId;
  readonly title: string;
  readonly headline: boolean;
  readonly group: Group;
}

/** What the map draws: stages down, layers across, and the stages of the whole model as bookends. */
export interface MapData {
  readonly view: TraceView;
  readonly measure: Measure;
  /** Of relative L2. */
  readonly limit: number;
  readonly rows: readonly MapRow[];
  readonly layers: readonly number[];
  /** Before the first layer, and after the last. */
  readonly before: readonly MapRow[];
  readonly after: readonly MapRow[];
  /** The first wrong place, and whether a comparison that can blame named it. */
  readonly first: (Pick<Culprit, 'layer' | 'stage' | 'position' | 'mode'> & Partial<Culprit>) | undefined;
  /** Wrong by themselves, by `locationKey`. */
  readonly culprits: ReadonlySet<string>;
  /** Layers up to here are known; those after it are still to come. */
  readonly layersDone: number;
  row(mode: CompareMode, stage: StageId, layer: number | undefined): Row | undefined;
  bin(stage: StageId, layer: number | undefined): Bin;
  /** Wrong by itself, or the first place that is wrong. */
  blamed(stage: StageId, layer: number | undefined): boolean;
  shade(stage: StageId, layer: number | undefined): Shade;
}
