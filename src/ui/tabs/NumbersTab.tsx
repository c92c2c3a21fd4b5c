import { memo, useEffect, useMemo, useRef, type ReactElement } from 'react';
import type { RowVerdict } from '../../divergence/report';
import { selectTable, VERDICT_WORDS, type TableLine } from '../../plots/select-table';
import type { MapData } from '../../plots/map/map-types';
import type { Place } from '../../plots/select-walk';
import { selectPlace } from '../../store/view';
import { Later } from '../Later';
import { useActions, useApp } from '../use-app';

/** Every stage by every layer in numbers, in the page's measure: the map's table. Opens at what is wrong. */
export function NumbersTab({ data }: { readonly data: MapData }): ReactElement {
  const place = useApp(selectPlace);
  const { select } = useActions();
  const lines = useMemo(() => selectTable(data), [data]);
  const whole = lines.filter(isWhole);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const first = box.current?.querySelector<HTMLElement>('td.first, td.diverge, td.nan');
    if (box.current !== null && first !== null && first !== undefined) {
      box.current.scrollLeft = Math.max(0, first.offsetLeft - 300);
    }
  }, [data]);
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
          <tbody>
            <Later first={4}>
              {lines
                .filter((line) => !isWhole(line))
                .map((line) => (
                  <Line
                    key={line.stage}
                    line={line}
                    here={place?.stage === line.stage ? place.layer : undefined}
                    onSelect={select}
                  />
                ))}
            </Later>
          </tbody>
        </table>
      </div>
      <p className="note">
        {whole.length === 0
          ? ''
          : `Whole model: ${whole.map((line) => `${line.title} ${line.cells[0]?.text ?? '–'}`).join(', ')}. `}
        ✕ over its limit or not finite; † after a flip; italic: an error from before arrives.
      </p>
    </>
  );
}

/** Drawn again only when its own numbers or the place on it change. */
const Line = memo(function Line(props: {
  readonly line: TableLine;
  /** The layer of the place in hand, where that is on this line. */
  readonly here: number | undefined;
  readonly onSelect: (place: Place) => void;
}): ReactElement {
  const { line, here, onSelect } = props;
  return (
    <tr>
      <th scope="row" className={line.headline ? 'strong' : undefined}>
        {line.title}
      </th>
      {line.cells.map((cell, i) =>
        cell === undefined ? (
          <td key={i} />
        ) : (
          <td
            key={i}
            className={`${verdictClass(cell.verdict)}${cell.first ? ' first' : ''}`}
            aria-current={here !== undefined && here === cell.layer ? 'true' : undefined}
          >
            <button
              type="button"
              tabIndex={-1}
              title={VERDICT_WORDS[cell.verdict]}
              onClick={() => {
                onSelect({ layer: cell.layer, stage: line.stage, position: undefined });
              }}
            >
              {cell.text}
            </button>
          </td>
        ),
      )}
    </tr>
  );
});

function isWhole(line: TableLine): boolean {
  return line.cells.length === 1 && line.cells[0] !== undefined && line.cells[0].layer === undefined;
}

function verdictClass(verdict: RowVerdict): string {
  return verdict.startsWith('nan') || verdict === 'missing' ? 'nan' : verdict;
}
