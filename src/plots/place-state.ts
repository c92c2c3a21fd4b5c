import type { CompareMode } from '../divergence/report';
import { visibleToken } from '../base/format';
import { bothCaptured } from '../divergence/both-captured';
import type { Row } from '../divergence/report';
import { stageIn } from '../model/graph-of';
import { stageSpec } from '../model/stages';
import { locationKey } from '../model/location';
import { isHot, type Bin } from './map/measure';
import type { MapData, Shade } from './map/map-types';
import { axisWord } from './axis-words';
import { VERDICT_WORDS } from './select-table';
import type { Place } from './select-walk';
import { routingIndex } from './trace-index';
import type { TraceView } from './trace-view';

/** What the map says of a place, in words. */
export interface PlaceState {
  readonly bin: Bin;
  readonly shade: Shade;
  readonly words: string;
  /** A tensor that is wrong by itself. */
  readonly wrong: boolean;
}

export function placeState(data: MapData, { layer, stage }: Pick<Place, 'layer' | 'stage'>): PlaceState {
  const bin = data.bin(stage, layer);
  const shade = data.shade(stage, layer);
  const row = data.row(data.measure.basis, stage, layer);
  const wrong = data.culprits.has(locationKey(layer, stage));
  return { bin, shade, wrong, words: wordsOf(data, { layer, stage }, bin, shade, row, wrong) };
}

function wordsOf(
  { first, measure, culprits }: MapData,
  place: Pick<Place, 'layer' | 'stage'>,
  bin: Bin,
  shade: Shade,
  row: Row | undefined,
  wrong: boolean,
): string {
  const isFirst = first !== undefined && first.layer === place.layer && first.stage === place.stage;
  if (isFirst) return culprits.size > 0 ? 'the first wrong tensor' : 'where the two part';
  if (wrong) return 'wrong by itself as well';
  const limit = measure.unit === 'ratio' ? 'bound' : 'limit';
  if (bin === undefined) return emptyWords(row);
  if (bin === 'flip') return 'other experts are chosen';
  if (bin === 'inherited') return 'right by itself, its input is not finite';
  if (bin === 'nonfinite') return measure.basis === 'free' ? 'not finite' : 'not finite by itself';
  if (isHot(bin)) return `over its ${limit}`;
  if (shade === 'full') return 'right by itself, its input is wrong';
  if (stageSpec(place.stage).values === 'index') return 'the same experts';
  return shade === 'half' ? `inside its ${limit}, an error arrives` : `inside its ${limit}`;
}

function emptyWords(row: Row | undefined): string {
  if (row === undefined || row.verdict === 'unmeasured') return 'not compared';
  if (row.verdict === 'missing' || row.verdict === 'not-applicable') return VERDICT_WORDS[row.verdict];
  return bothCaptured(row) ? 'not compared: no expert in common' : 'not compared';
}

/** `token 4, expert 3, channel 191`: an index of a row in words; a slot's expert where the routing is known. */
export function indexText(
  view: TraceView,
  { layer, stage }: Pick<Place, 'layer' | 'stage'>,
  index: readonly number[],
  mode: CompareMode,
): string {
  const { shape } = stageIn(view.hparams, stage, layer);
  const position = index[shape.indexOf('nTokens')];
  return index
    .map((at, i) => {
      const dim = shape[i];
      if (dim === 'nExpertUsed' && layer !== undefined && position !== undefined) {
        const expert = expertAt(view, layer, position, at, mode);
        if (expert !== undefined) return `expert ${expert}`;
      }
      return `${dim === undefined ? 'index' : axisWord(dim)} ${at}`;
    })
    .join(', ');
}

/** The expert in a slot of a token: of a local row the candidate's, whose own run it is of; else the reference's where both chose. */
export function expertAt(
  view: TraceView,
  layer: number,
  position: number,
  slot: number,
  mode: CompareMode,
): number | undefined {
  const row = routingIndex(view.routing)
    .layer(layer)
    .find((choice) => choice.position === position);
  return (mode === 'local' ? (row?.a ?? row?.b) : (row?.b ?? row?.a))?.experts[slot];
}

/** `4 ·fox` */
export function tokenName(view: TraceView, position: number): string {
  const text = view.tokenTexts[position];
  return text === undefined ? String(position) : `${position} ${visibleToken(text)}`;
}
