import { memo, useMemo, useRef, type ReactElement } from 'react';
import type { RowVerdict } from '../../divergence/report';
import { selectTable, TABLE_METRICS, VERDICT_WORDS, type TableLine } from '../../plots/select-table';
import type { Place } from '../../plots/select-walk';
import type { TraceView } from '../../plots/trace-view';
import { Segments } from '../Segments';
import { useActions, useApp, useFollowed } from '../use-app';

/** Every stage by every layer, in numbers. */
export function StageTable({ view }: { readonly view: TraceView }): ReactElement {
  const metric = useApp((s) => s.tableMetric);
  const section = useRef<HTMLElement>(null);
  const { place } = useFollowed(section);
  const { setTableMetric, select } = useActions();
  const lines = useMemo(() => selectTable(view, metric), [view, metric]);
  const whole = lines.filter((line) => isWhole(line));
  return (
    <section ref={section} className="stages">
      <div className="figure-head">
        <h2>Every stage, every layer, in numbers</h2>
        <div className="figure-tools">
          <Segments label="Number" value={metric} options={TABLE_METRICS} onChange={setTableMetric} />
        </div>
      </div>
      <div className="scroll" tabIndex={0} role="region" aria-label="Stages by layers, in numbers">
        <table className="numbers">
          <thead>
            <tr>
              <th scope="col">Layer</th>
              {view.layers.map((layer) => (
                <th scope="col" key={layer}>
                  {layer}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
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
          </tbody>
        </table>
      </div>
      <p className="note">
        {whole.length === 0
          ? ''
          : `Whole model: ${whole.map((line) => `${line.title} ${line.cells[0]?.text ?? '–'}`).join(', ')}. `}
        ✕ over its limit or not finite; † after a routing flip; italic: inherits an error from above.
      </p>
    </section>
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
