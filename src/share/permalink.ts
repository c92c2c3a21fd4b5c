import { SHARE_LIMITS } from './limits';
import { without } from '../base/without';
import {
  FIRST_VIEW,
  readCut,
  readHeatMeasure,
  readHeatMode,
  readIndex,
  readMetric,
  readStage,
  readTableMetric,
  type ViewState,
} from './view-state';

/** What a link holds besides the address of the page: how a trace is looked at, of which model it was, and how it was run. */
export interface Permalink {
  readonly view: ViewState;
  /** The model that the trace is of, to say so where another one is on the page. */
  readonly model?: { readonly name: string; readonly hash: string };
  /** Run options as typed, by their names. */
  readonly options: Readonly<Record<string, string>>;
  /** Only where the person chose so. */
  readonly prompt?: string;
  readonly tokens?: string;
}

export const LINK_VERSION = 3;
/** Characters of the header's hash: enough to tell files apart, short enough to read. */
export const LINK_HASH = 12;

type Fields = ReadonlyMap<string, string>;

/**
 * What turns a link of a version into one of the next. Version 1 had one `at` (layer.stage.token), and full names; version 2 knew no expert,
 * no cut of the prompt and one measure of the heatmap. What its letters mean has not changed; letters of later versions mean nothing in it.
 */
const UPGRADES: Readonly<Record<number, (old: Fields) => Fields>> = {
  1: (old) => {
    const fields = new Map<string, string>();
    const take = (from: string, to: string): void => {
      const value = old.get(from);
      if (value !== undefined) fields.set(to, value);
    };
    const [layer, stage, token] = (old.get('at') ?? '').split('.');
    if (stage !== undefined && stage !== '') fields.set('s', stage);
    if (layer !== undefined && layer !== '' && layer !== '-') fields.set('l', layer);
    if (token !== undefined && token !== '') fields.set('t', token);
    take('metric', 'x');
    take('heat', 'h');
    take('table', 'n');
    take('header', 'm');
    take('model', 'name');
    return fields;
  },
  2: (old) => new Map([...old].filter(([name]) => !['e', 'p', 'c'].includes(name))),
};

/** The options that a link may carry: those of the run panel. */
export const LINK_OPTIONS = ['arms', 'mode', 'stages', 'layers', 'positions', 'inject', 'routing'] as const;

/** The fragment, with its `#`; empty where it would say nothing. */
export function writePermalink(link: Permalink): string {
  const fields: [string, string][] = [];
  const { view, model, options } = link;
  const { selection } = view;
  if (selection !== undefined) {
    fields.push(['s', selection.stage]);
    if (selection.layer !== undefined) fields.push(['l', String(selection.layer)]);
    if (selection.position !== undefined) fields.push(['t', String(selection.position)]);
  }
  if (view.metric !== FIRST_VIEW.metric) fields.push(['x', view.metric]);
  if (view.heatMode !== FIRST_VIEW.heatMode) fields.push(['h', view.heatMode]);
  if (view.heatMeasure !== FIRST_VIEW.heatMeasure) fields.push(['c', view.heatMeasure]);
  if (view.tableMetric !== FIRST_VIEW.tableMetric) fields.push(['n', view.tableMetric]);
  if (view.expert !== undefined) fields.push(['e', String(view.expert)]);
  if (view.cut !== undefined) fields.push(['p', view.cut]);
  for (const name of LINK_OPTIONS) {
    const value = options[name];
    if (value !== undefined && value !== '') fields.push([`o-${name}`, value]);
  }
  if (link.prompt !== undefined) fields.push(['prompt', link.prompt]);
  else if (link.tokens !== undefined) fields.push(['tokens', link.tokens]);
  if (fields.length === 0 && model === undefined) return '';
  if (model !== undefined) fields.push(['m', model.hash.slice(0, LINK_HASH)], ['name', model.name.slice(0, 80)]);
  const text = `#v=${String(LINK_VERSION)}&${new URLSearchParams(fields).toString()}`;
  if (text.length <= SHARE_LIMITS.linkChars) return text;
  return link.prompt === undefined && link.tokens === undefined
    ? ''
    : writePermalink(without(link, 'prompt', 'tokens'));
}

export type LinkReading =
  | { readonly kind: 'link'; readonly link: Permalink; readonly upgradedFrom?: number }
  /** No link of ours: an anchor of the page, or nothing. */
  | { readonly kind: 'none' }
  /** A link that this version cannot read, and why. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** Reads a fragment. What it does not know in a link of a known version is left out; nothing in it can make the page fail. */
export function readPermalink(fragment: string): LinkReading {
  const text = fragment.replace(/^#/, '');
  if (!/(?:^|&)v=/.test(text)) return { kind: 'none' };
  if (text.length > SHARE_LIMITS.linkChars) {
    return {
      kind: 'unreadable',
      why: `it has ${String(text.length)} characters, and links end at ${String(SHARE_LIMITS.linkChars)}`,
    };
  }
  let fields: Fields = new Map(new URLSearchParams(text));
  const version = readIndex(fields.get('v'));
  if (version === undefined || version < 1) return { kind: 'unreadable', why: 'its version is no number' };
  if (version > LINK_VERSION) {
    return {
      kind: 'unreadable',
      why: `it is of version ${String(version)}, and this page reads up to ${String(LINK_VERSION)}`,
    };
  }
  for (let v = version; v < LINK_VERSION; v++) fields = UPGRADES[v]?.(fields) ?? fields;
  const link = linkOf(fields);
  return version === LINK_VERSION ? { kind: 'link', link } : { kind: 'link', link, upgradedFrom: version };
}

function linkOf(fields: Fields): Permalink {
  const stage = readStage(fields.get('s'));
  const options: Record<string, string> = {};
  for (const name of LINK_OPTIONS) {
    const value = fields.get(`o-${name}`);
    if (value !== undefined) options[name] = value.slice(0, 500);
  }
  const hash = fields.get('m');
  const prompt = fields.get('prompt');
  const tokens = fields.get('tokens');
  return {
    view: {
      metric: readMetric(fields.get('x')) ?? FIRST_VIEW.metric,
      heatMode: readHeatMode(fields.get('h')) ?? FIRST_VIEW.heatMode,
      heatMeasure: readHeatMeasure(fields.get('c')) ?? FIRST_VIEW.heatMeasure,
      tableMetric: readTableMetric(fields.get('n')) ?? FIRST_VIEW.tableMetric,
      expert: readIndex(fields.get('e')),
      cut: readCut(fields.get('p')),
      selection:
        stage === undefined
          ? undefined
          : { stage, layer: readIndex(fields.get('l')), position: readIndex(fields.get('t')) },
    },
    options,
    ...(hash !== undefined && /^[0-9a-f]{6,64}$/.test(hash)
      ? { model: { hash, name: (fields.get('name') ?? '').slice(0, 80) } }
      : {}),
    ...(prompt === undefined ? {} : { prompt }),
    ...(tokens !== undefined && /^[\d, ]*$/.test(tokens) ? { tokens } : {}),
  };
}
