import { visibleToken } from '../base/format';
import { FAULTS } from '../model/faults';
import { faultText, parseFault } from '../model/parse-fault';
import { stageSpec } from '../model/stages';
import { tensorOf } from '../plots/formula';
import type { MapData } from '../plots/map/map-types';
import type { Place } from '../plots/select-walk';
import type { AppStore } from './app-store';
import { COMMANDS, keyText, type Command } from './commands';
import type { AppState } from './state';
import { placeText } from './view-actions';
import { selectMapData, selectPlace } from './view';

/** A line of the palette. */
export interface PaletteLine {
  readonly id: string;
  readonly title: string;
  readonly key: string | undefined;
  run(store: AppStore): void;
}

const MOST = 14;
/** Of one kind. */
const FEW = 6;

/**
 * What typed words may mean: commands; places of the trace such as `12`, `moe_router`, `layer 12 router token 3`, or a tensor's name; experts;
 * tokens by their text; defects to put in.
 */
export function paletteLines(text: string, state: AppState): readonly PaletteLine[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const commands = COMMANDS.filter(
    (c: Command) => c.id !== 'palette' && c.enabled(state) && matches(c.title, words),
  ).map((c: Command): PaletteLine => ({
    id: c.id,
    title: c.title,
    key: keyText(c),
    run: (store) => {
      c.run(store);
    },
  }));
  if (words.length === 0) return commands;
  const data = selectMapData(state);
  const here = selectPlace(state);
  const found =
    data === undefined
      ? []
      : [...expertsOf(words, data), ...placesOf(words, data, here), ...tokensOf(text, data, here)];
  const first = found.length > 0 && /\d/.test(text) ? [...found, ...commands] : [...commands, ...found];
  return [...first, ...defectsOf(words, data, here)].slice(0, MOST);
}

function matches(title: string, words: readonly string[]): boolean {
  const lower = title.toLowerCase();
  return words.every((word) => lower.includes(word));
}

/** Numbers are the layer, then the token, unless a word before them says which; other words are parts of the names of stages and tensors. */
function placesOf(words: readonly string[], data: MapData, here: Place | undefined): readonly PaletteLine[] {
  const { layer, token, expert, names } = parse(words);
  if (expert !== undefined) return [];
  if (layer !== undefined && !data.layers.includes(layer)) return [];
  if (token !== undefined && !data.view.positions.includes(token)) return [];
  if (names.length === 0 && layer === undefined && token === undefined) return [];
  const at = layer ?? here?.layer ?? data.layers[0];
  const rows = names.length === 0 ? [] : [...data.before, ...data.rows, ...data.after];
  const stages = rows
    .filter(({ stage, title }) => {
      const weight = tensorOf(data.view.hparams, stage, stageSpec(stage).scope === 'model' ? undefined : at) ?? '';
      return names.every((name) => stage.includes(name) || title.toLowerCase().includes(name) || weight.includes(name));
    })
    .map(({ stage }) => stage);
  const headline = data.rows.find((row) => row.headline)?.stage;
  const asked = names.length === 0 ? [here?.stage ?? headline].filter((stage) => stage !== undefined) : stages;
  return asked.slice(0, FEW).map((stage): PaletteLine => {
    const place = { layer: stageSpec(stage).scope === 'model' ? undefined : at, stage, position: token };
    const tensor = tensorOf(data.view.hparams, stage, place.layer);
    const isTensor = tensor !== undefined && names.some((name) => tensor.includes(name) && !stage.includes(name));
    return line(`place-${stage}`, `Look at ${lower(placeText(place))}${isTensor ? `, ${tensor}` : ''}`, (store) => {
      store.actions.select(place);
    });
  });
}

/** `expert 41`: ringed where tokens are routed. */
function expertsOf(words: readonly string[], { view }: MapData): readonly PaletteLine[] {
  const { expert } = parse(words);
  if (expert === undefined || expert >= view.nExpert) return [];
  return [
    line(`expert-${expert}`, `Look at expert ${expert} of ${view.nExpert}, where tokens are routed`, (store) => {
      store.actions.setExpert(expert);
      store.actions.setTab('routing');
    }),
  ];
}

/** Tokens whose text has what was typed. */
function tokensOf(text: string, { view }: MapData, here: Place | undefined): readonly PaletteLine[] {
  const wanted = text.trim().toLowerCase();
  if (wanted.length < 2 || here === undefined || /^\d+$/.test(wanted)) return [];
  const found = view.positions.filter((position) => view.tokenTexts[position]?.toLowerCase().includes(wanted));
  return found.slice(0, FEW).map((position) =>
    line(
      `token-${position}`,
      `Look at token ${position}, ${visibleToken(view.tokenTexts[position] ?? '')}`,
      (store) => {
        store.actions.select({ ...here, position });
      },
    ),
  );
}

/** Defects by their names, for the next run, at the layer in hand. */
function defectsOf(
  words: readonly string[],
  data: MapData | undefined,
  here: Place | undefined,
): readonly PaletteLine[] {
  const layer = here?.layer ?? Math.floor((data?.view.nLayer ?? 0) / 3);
  const names = words.filter((word) => !['defect', 'fault', 'inject'].includes(word));
  const asked = names.length < words.length;
  return FAULTS.filter(({ kind }) => (names.length > 0 || asked) && names.every((name) => kind.includes(name)))
    .slice(0, asked ? MOST : FEW)
    .map(({ kind, what }) =>
      line(`defect-${kind}`, `Put in ${kind} at layer ${layer}: ${what.replaceAll('`', '')}`, (store) => {
        store.actions.setOptions({ inject: [faultText(parseFault(`${kind}@layer=${layer}`))] });
      }),
    );
}

function line(id: string, title: string, run: (store: AppStore) => void): PaletteLine {
  return { id, title, key: undefined, run };
}

function lower(text: string): string {
  return text.replace(/^Layer/, 'layer');
}

function parse(words: readonly string[]): {
  readonly layer: number | undefined;
  readonly token: number | undefined;
  readonly expert: number | undefined;
  readonly names: readonly string[];
} {
  const names: string[] = [];
  const found: { layer?: number; token?: number; expert?: number } = {};
  let said: 'layer' | 'token' | 'expert' | undefined;
  for (const word of words) {
    if (/^(?:layer|l)$/.test(word)) said = 'layer';
    else if (/^(?:token|t|position)$/.test(word)) said = 'token';
    else if (/^(?:expert|e)$/.test(word)) said = 'expert';
    else if (/^\d{1,7}$/.test(word)) {
      found[said ?? (found.layer === undefined ? 'layer' : 'token')] = Number(word);
      said = undefined;
    } else names.push(word);
  }
  return { layer: found.layer, token: found.token, expert: found.expert, names };
}
