import { Fragment, memo, useId, useMemo, useRef, useState, type PointerEvent, type ReactElement } from 'react';
import { formatMetric } from '../../base/format';
import { LAYER_STAGES, stageSpec, type StageId } from '../../model/stages';
import { describePanel, divergencePanel } from '../../plots/divergence-panel';
import { ERROR_METRICS, type ErrorMetric } from '../../plots/error-scale';
import { hasCurve, panelPosition, panelStages, type PanelPosition } from '../../plots/panel-stages';
import { selectPanel, type PanelData } from '../../plots/select-panel';
import type { TraceView } from '../../plots/trace-view';
import { CurveKey } from '../CurveKey';
import { Later } from '../Later';
import { Scene } from '../Scene';
import { Segments } from '../Segments';
import { TableTwin } from '../TableTwin';
import { useActions, useApp, useFollowed, usePlaceNow } from '../use-app';
import { useFigureWidth } from '../use-figure-width';

const METRICS: readonly { readonly id: ErrorMetric; readonly title: string }[] = [
  { id: 'relL2', title: 'relative L2' },
  { id: 'ratio', title: 'error ÷ bound' },
];

/** The headline stages over the layers, one above the other on one axis, with one rule at the first divergence. */
export function DivergenceFigures({ view }: { readonly view: TraceView }): ReactElement {
  const metric = useApp((s) => s.metric);
  const { setMetric } = useActions();
  const [more, setMore] = useState<readonly StageId[]>([]);
  const { ref, width, scale } = useFigureWidth();
  const [hover, setHover] = useState<number | undefined>(undefined);
  const stages = useMemo(() => panelStages(view, more), [view, more]);
  return (
    <section className="panels" aria-label="Divergence by layer">
      <div className="figure-head">
        <h2>Divergence by layer</h2>
        <div className="figure-tools">
          <Segments label="Measure" value={metric} options={METRICS} onChange={setMetric} />
          <MoreStages
            shown={stages}
            onAdd={(stage) => {
              setMore([...more, stage]);
            }}
          />
          {more.length === 0 ? null : (
            <button
              type="button"
              className="link"
              onClick={() => {
                setMore([]);
              }}
            >
              fewer
            </button>
          )}
        </div>
      </div>
      <Readout view={view} stages={stages} metric={metric} layer={hover} />
      <div ref={ref}>
        <Later first={1}>
          {width === 0
            ? null
            : stages.map((stage, i) => (
                <Panel
                  key={stage}
                  view={view}
                  stage={stage}
                  metric={metric}
                  width={width}
                  scale={scale}
                  position={panelPosition(i, stages.length)}
                  onHover={setHover}
                />
              ))}
        </Later>
      </div>
      <PanelNotes view={view} metric={metric} />
      <TableTwin title="These curves as a table">
        {() => <PanelTable view={view} stages={stages} metric={metric} />}
      </TableTwin>
    </section>
  );
}

const Panel = memo(function Panel(props: {
  readonly view: TraceView;
  readonly stage: StageId;
  readonly metric: ErrorMetric;
  readonly width: number;
  readonly scale: number;
  readonly position: PanelPosition;
  readonly onHover: (layer: number | undefined) => void;
}): ReactElement {
  const { view, stage, metric, width, scale, position, onHover } = props;
  const caption = useId();
  const figure = useRef<HTMLElement>(null);
  const { place } = useFollowed(figure);
  const now = usePlaceNow();
  const { select } = useActions();
  const data = useMemo(() => selectPanel(view, stage, metric), [view, stage, metric]);
  const selectedLayer = place?.layer;
  const scene = useMemo(
    () => divergencePanel(data, { width, position, selectedLayer }),
    [data, width, position, selectedLayer],
  );
  const layerAt = (event: PointerEvent): number | undefined => {
    const box = event.currentTarget.getBoundingClientRect();
    return scene.axis.layerAt((event.clientX - box.left) / scale);
  };
  const move = (step: number): void => {
    const at = view.layers.indexOf(now().place?.layer ?? -1);
    const layer = view.layers[Math.min(view.layers.length - 1, Math.max(0, at + step))];
    if (layer !== undefined) select({ layer, stage, position: undefined });
  };
  return (
    <figure ref={figure} aria-labelledby={caption}>
      <figcaption id={caption} style={{ top: `${String(scene.titleTop * scale)}px` }}>
        <b>{data.title}</b> <span>{ERROR_METRICS[metric].title}</span>
        <span className="visually-hidden">, by layer: {describePanel(data)}</span>
      </figcaption>
      <div
        className="pick"
        tabIndex={0}
        role="group"
        aria-label={`${data.title}, arrow keys move from layer to layer`}
        onPointerMove={(event) => {
          onHover(layerAt(event));
        }}
        onPointerLeave={() => {
          onHover(undefined);
        }}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const layer = scene.axis.layerAt((event.clientX - box.left) / scale);
          if (layer !== undefined) select({ layer, stage, position: undefined });
        }}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
          event.preventDefault();
          move(event.key === 'ArrowLeft' ? -1 : 1);
        }}
      >
        <Scene node={scene.root} />
      </div>
    </figure>
  );
});

function MoreStages(props: {
  readonly shown: readonly StageId[];
  readonly onAdd: (stage: StageId) => void;
}): ReactElement {
  return (
    <select
      className="inline"
      aria-label="Add a stage"
      value=""
      onChange={(event) => {
        const stage = LAYER_STAGES.find((id) => id === event.currentTarget.value);
        if (stage !== undefined) props.onAdd(stage);
      }}
    >
      <option value="">add a stage…</option>
      {LAYER_STAGES.filter((id) => !props.shown.includes(id) && hasCurve(id)).map((id) => (
        <option key={id} value={id}>
          {stageSpec(id).title}
        </option>
      ))}
    </select>
  );
}

/** The values under the pointer, or of the selected layer. */
const Readout = memo(function Readout(props: {
  readonly view: TraceView;
  readonly stages: readonly StageId[];
  readonly metric: ErrorMetric;
  readonly layer: number | undefined;
}): ReactElement {
  const line = useRef<HTMLParagraphElement>(null);
  const { place } = useFollowed(line);
  const layer = props.layer ?? place?.layer;
  if (layer === undefined) return <p className="readout" ref={line} />;
  const words = props.stages.map((stage) => {
    const data = selectPanel(props.view, stage, props.metric);
    const values = data.series.map((series) => {
      const point = series.points.find((p) => p.layer === layer);
      return point === undefined ? [] : [`${series.title} ${formatMetric(point.value)}`];
    });
    return { title: data.title, values: values.flat() };
  });
  return (
    <p className="readout" ref={line}>
      <b>Layer {layer}</b>
      {words.map(({ title, values }) => (
        <span key={title}>
          {title}{' '}
          {values.map((value) => (
            <Fragment key={value}>
              <span className="whole">{value}</span>{' '}
            </Fragment>
          ))}
        </span>
      ))}
    </p>
  );
});

function PanelNotes({ view, metric }: { readonly view: TraceView; readonly metric: ErrorMetric }): ReactElement {
  const limit =
    metric === 'relL2'
      ? `The limit is the smallest relative L2 at which a cosine can fall below ${String(view.limits.cosine)}.`
      : 'The bound is what an honest f32 kernel may differ, derived element by element: above 1 is a defect.';
  return (
    <p className="note">
      <span className="narrow-key">
        <CurveKey />{' '}
      </span>
      Free-running, each arm feeds itself; isolated, each stage is fed the reference’s input, so that only its own error
      is left. {limit} A ring marks a stage that is wrong by itself.
    </p>
  );
}

function PanelTable(props: {
  readonly view: TraceView;
  readonly stages: readonly StageId[];
  readonly metric: ErrorMetric;
}): ReactElement {
  const panels: readonly PanelData[] = props.stages.map((stage) => selectPanel(props.view, stage, props.metric));
  const columns = panels.flatMap((panel) => panel.series.map((series) => ({ panel, series })));
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Layer</th>
          {columns.map(({ panel, series }) => (
            <th scope="col" key={`${panel.stage} ${series.mode}`}>
              {panel.title}, {series.title}
            </th>
          ))}
          <th scope="col">Tokens rerouted</th>
        </tr>
      </thead>
      <tbody>
        {props.view.layers.map((layer) => (
          <tr key={layer}>
            <th scope="row">{layer}</th>
            {columns.map(({ panel, series }) => (
              <td key={`${panel.stage} ${series.mode}`}>
                {formatMetric(series.points.find((p) => p.layer === layer)?.value)}
              </td>
            ))}
            <td>{panels[0]?.flips.find((f) => f.layer === layer)?.count ?? 0}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
