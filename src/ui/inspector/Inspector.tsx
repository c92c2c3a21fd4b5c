import { memo, useEffect, useRef, useState, type ReactElement } from 'react';
import { formatCount, plural } from '../../base/format';
import { causeText } from '../../divergence/cause';
import type { Culprit, Row } from '../../divergence/report';
import { sizesOf, stageIn } from '../../model/graph-of';
import { stageSpec } from '../../model/stages';
import { colourOf } from '../../plots/map/draw-cells';
import type { MapData } from '../../plots/map/map-types';
import { isFailing } from '../../plots/row-verdict';
import { placeState } from '../../plots/place-state';
import { selectWrong, type Place } from '../../plots/select-walk';
import { tensorOf } from '../../plots/formula';
import { selectLooked } from '../../store/view';
import { useActions, useApp } from '../use-app';
import { useMapTheme, useRoom } from '../use-theme';
import { ReadersAndSources } from './BothWays';
import { FormulaPanel } from './FormulaPanel';
import { PlaceChooser } from './PlaceChooser';
import { RulerPanel } from './RulerPanel';
import { TokenChips } from './TokenChips';
import { TokenExperts } from './TokenExperts';
import { expertOf } from './expert-of';
import { WorstValue } from './WorstValue';

/** Pixels that a finger moves up or down for a swipe. */
const SWIPE = 24;

/** Everything about the cell in hand, or under the pointer: docked beside the map, a sheet from below on a phone. */
export function Inspector({ data }: { readonly data: MapData }): ReactElement | null {
  const place = useApp(selectLooked);
  const room = useRoom();
  const open = useApp((s) => s.shell.sheetOpen);
  const { setSheet } = useActions();
  const dock = useRef<HTMLDivElement>(null);
  const touched = useRef<number | undefined>(undefined);
  const swiped = useRef(false);
  if (place === undefined) return null;
  const isSheet = room === 'phone';
  return (
    <aside className={open ? 'inspector open' : 'inspector'} aria-label="Inspector" data-testid="inspector">
      {isSheet ? (
        <button
          type="button"
          className="handle"
          aria-expanded={open}
          onPointerDown={(event) => {
            touched.current = event.clientY;
            swiped.current = false;
          }}
          onPointerUp={(event) => {
            const by = event.clientY - (touched.current ?? event.clientY);
            if (Math.abs(by) >= SWIPE) setSheet(by < 0);
            swiped.current = Math.abs(by) >= SWIPE;
          }}
          onClick={() => {
            // The click that ends a swipe.
            if (!swiped.current) setSheet(!open);
          }}
        >
          <span className="visually-hidden">{open ? 'Less of the inspector' : 'More of the inspector'}</span>
        </button>
      ) : null}
      <div className="dock" ref={dock} tabIndex={isSheet && !open ? -1 : 0} role="region" aria-label="Cell in hand">
        <Head data={data} place={place} />
        {isSheet && !open ? null : <Body data={data} place={place} />}
      </div>
    </aside>
  );
}

function Head({ data, place }: { readonly data: MapData; readonly place: Place }): ReactElement {
  const theme = useMapTheme();
  const { walk } = useActions();
  const { bin, shade, words } = placeState(data, place);
  const wrong = selectWrong(data);
  const at = wrong.findIndex((p) => p.layer === place.layer && p.stage === place.stage);
  const colour = colourOf(bin, shade, theme);
  const { title } = stageSpec(place.stage);
  return (
    <header className="inspector-head">
      <div className="row">
        <h2>
          {place.layer === undefined ? title : `Layer ${String(place.layer)} · ${title}`}
          {place.position === undefined ? null : <small> token {place.position}</small>}
        </h2>
        {wrong.length === 0 ? null : (
          <span className="steps">
            <button
              type="button"
              title="previous wrong tensor (p)"
              onClick={() => {
                walk('previous');
              }}
            >
              ‹<span className="visually-hidden"> Previous wrong tensor</span>
            </button>
            <button
              type="button"
              title="next wrong tensor (n)"
              onClick={() => {
                walk('next');
              }}
            >
              ›<span className="visually-hidden"> Next wrong tensor</span>
            </button>
          </span>
        )}
      </div>
      <div className="row state">
        <span>
          <i
            className={bin === 'nonfinite' ? 'swatch striped' : bin === undefined ? 'swatch none' : 'swatch'}
            style={colour === undefined ? undefined : { background: colour }}
          />
          {words}
        </span>
        <span>
          {wrong.length === 0
            ? ''
            : at >= 0
              ? `${String(at + 1)} of ${String(wrong.length)} wrong`
              : `${String(wrong.length)} wrong`}
        </span>
      </div>
    </header>
  );
}

const Body = memo(function Body({ data, place }: { readonly data: MapData; readonly place: Place }): ReactElement {
  const stage = useDeferred(place);
  const tensor = tensorOf(data.view.hparams, place.stage, place.layer);
  const expert = expertOf(data, place);
  return (
    <>
      <FormulaPanel data={data} place={place} expert={expert} />
      <p className="shape">
        {tensor === undefined ? null : <code>{tensor}</code>}
        <span>{shapeWords(data, place)}</span>
      </p>
      <Diagnosis data={data} place={place} />
      <RulerPanel data={data} place={place} />
      {stage ? (
        <>
          <WorstValue data={data} place={place} />
          <TokenExperts data={data} place={place} expert={expert} />
          <TokenChips data={data} place={place} />
          <ReadersAndSources data={data} place={place} />
          <details className="go-to">
            <summary>Go to another cell</summary>
            <div className="go-fields">
              <PlaceChooser view={data.view} place={place} />
            </div>
          </details>
        </>
      ) : null}
    </>
  );
});

/** The lower half is drawn a moment after the upper one, once: what is pointed at answers first. */
function useDeferred(place: Place): boolean {
  const [drawn, setDrawn] = useState(false);
  useEffect(() => {
    if (drawn) return undefined;
    const timer = setTimeout(() => {
      setDrawn(true);
    }, 0);
    return () => {
      clearTimeout(timer);
    };
  }, [drawn, place]);
  return drawn;
}

function shapeWords({ view }: MapData, { layer, stage }: Place): string {
  const { hparams } = view;
  const { shape } = stageIn(hparams, stage, layer);
  const lengthOf = (dim: string): number => (hparams === undefined ? 0 : (sizesOf(hparams)[dim] ?? 0));
  const words = shape.map((dim) => {
    switch (dim) {
      case 'nTokens':
        return plural(view.positions.length, 'token');
      case 'nKeys':
        return 'keys';
      case 'nExpertUsed':
        return plural(view.nExpertUsed, 'expert');
      case 'nExpert':
        return plural(view.nExpert, 'expert');
      case 'nHead':
      case 'nHeadKv':
        return plural(lengthOf(dim), 'head');
      default:
        return `${formatCount(lengthOf(dim))} channels`;
    }
  });
  return words.filter((word) => !word.startsWith('0 ')).join(' × ');
}

/** What its kernel does by itself, where that was tried. */
function aloneWords(alone: Row | undefined): string {
  if (alone === undefined || (alone.count === 0 && !isFailing(alone))) return '';
  return isFailing(alone)
    ? 'Fed the reference’s inputs it is wrong as well: it is the kernel.'
    : 'Fed the reference’s inputs it is right: what ran it is wrong, not its kernel alone.';
}

/** What the values look like, for a tensor that was diagnosed. */
function Diagnosis({ data, place }: { readonly data: MapData; readonly place: Place }): ReactElement | null {
  const { verdict } = data.view;
  const culprits: readonly Culprit[] = [verdict?.first, ...(verdict?.others ?? [])].filter((c) => c !== undefined);
  const found = culprits.find((c) => c.layer === place.layer && c.stage === place.stage);
  if (found === undefined) return null;
  const words = found.hint ?? (found.cause === undefined ? undefined : causeText(found.cause));
  const alone = found.mode === 'local' ? data.row('isolated', place.stage, place.layer) : undefined;
  const inputs =
    found.mode === 'local'
      ? `Judged from its own inputs. ${aloneWords(alone)}`
      : found.mode === 'isolated'
        ? 'Its inputs are right.'
        : 'Free-running only: where the two part, no proof of a wrong kernel.';
  return (
    <p className="diagnosis">
      {words === undefined ? '' : `${words.slice(0, 1).toUpperCase()}${words.slice(1)}. `}
      {inputs}
    </p>
  );
}
