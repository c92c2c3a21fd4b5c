import { memo, useCallback, useRef, type MouseEvent, type ReactElement } from 'react';
import type { RowVerdict } from '../../divergence/report';
import type { MapData, MapRow } from '../../plots/map/map-types';
import { tableLine, VERDICT_WORDS } from '../../plots/select-table';
import { selectPlace } from '../../store/view';
import { Later } from '../Deferred';
import { useActions, useApp } from '../use-app';

/** Every stage by every layer in numbers, in the page's measure: the map's table. Opens at what is wrong. */
export function NumbersTab({ data }: { readonly data: MapData }): ReactElement {
  const place = useApp(selectPlace);
  const { select } = useActions();
  const box = useRef<HTMLDivElement>(null);
  const pick = (event: MouseEvent): void => {
    const cell = event.target instanceof Element ? event.target.closest('td') : null;
    const row = data.rows.find(({ stage }) => stage === cell?.parentElement?.dataset['stage']);
    // The first column is the stage's name.
    const layer = data.layers[(cell?.cellIndex ?? 0) - 1];
    if (row !== undefined && layer !== undefined) select({ layer, stage: row.stage, position: undefined });
  };
  // The lines come one after the other: what is wrong comes into view when its own does.
  const reveal = useCallback((first: HTMLElement | null) => {
    if (first !== null) box.current?.scrollTo(first.offsetLeft - 300, first.offsetTop - 240);
  }, []);
  const unit = data.measure.unit === 'ratio' ? 'error ÷ bound' : 'relative L2';
  return (
    <>
      <div className="scroll tall" tabIndex={0} role="region" aria-label="Stages by layers, in numbers" ref={box}>
        <table className="numbers">
          <thead>
            <tr>
              <th scope="col">{unit}</th>
              {data.layers.map((layer) => (
                <th scope="col" key={layer}>
                  {layer}
                </th>
              ))}
            </tr>
          </thead>
          <tbody onClick={pick}>
            <Later first={1}>
              {data.rows.map((row) => (
                <Line
                  key={row.stage}
                  data={data}
                  row={row}
                  here={place?.stage === row.stage ? place.layer : undefined}
                  reveal={reveal}
                />
              ))}
            </Later>
          </tbody>
        </table>
      </div>
      <p className="note">
        {wholeModel(data)}✕ over its limit or not finite; † after a flip; italic: an error from before arrives.
      </p>
    </>
  );
}

/** Drawn again only when its own numbers or the place on it change. */
const Line = memo(function Line(props: {
  readonly data: MapData;
  readonly row: MapRow;
  /** The layer of the place in hand, where that is on this line. */
  readonly here: number | undefined;
  /** Told of the cell of the first wrong tensor. */
  readonly reveal: (first: HTMLElement | null) => void;
}): ReactElement | null {
  const { data, row, here, reveal } = props;
  const line = tableLine(data, row);
  if (line === undefined) return null;
  return (
    <tr data-stage={line.stage}>
      <th scope="row" className={line.headline ? 'strong' : undefined}>
        {line.title}
      </th>
      {line.cells.map((cell, i) =>
        cell === undefined ? (
          <td key={i} />
        ) : (
          <td
            key={i}
            ref={cell.first ? reveal : undefined}
            className={`${verdictClass(cell.verdict)}${cell.first ? ' first' : ''}`}
            aria-current={here !== undefined && here === cell.layer ? 'true' : undefined}
            title={VERDICT_WORDS[cell.verdict]}
          >
            {cell.text}
          </td>
        ),
      )}
    </tr>
  );
});

/** `Whole model: Embedding 0, LmHead 0.31. ` */
function wholeModel(data: MapData): string {
  const lines = [...data.before, ...data.after].flatMap((row) => tableLine(data, row) ?? []);
  const words = lines.map(({ title, cells: [cell] }) => `${title} ${cell?.text ?? '–'}`);
  return words.length === 0 ? '' : `Whole model: ${words.join(', ')}. `;
}

function verdictClass(verdict: RowVerdict): string {
  return verdict.startsWith('nan') || verdict === 'missing' ? 'nan' : verdict;
}
