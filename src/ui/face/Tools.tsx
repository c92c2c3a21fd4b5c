import { useEffect, useRef, useState, type ReactElement } from 'react';
import type { CompareMode } from '../../divergence/report';
import { basesOf, hasBounds, type Unit } from '../../plots/map/measure';
import { mapLegend } from '../../plots/map/legend';
import type { MapData } from '../../plots/map/map-types';
import { shortFinding } from '../../plots/short-finding';
import { svg } from '../../plots/svg';
import { Scene } from '../Scene';
import { useActions, useApp } from '../use-app';
import { useMapTheme, useRoom } from '../use-theme';
import { Term } from './Term';

const BASES: readonly { readonly id: CompareMode; readonly title: string; readonly absent: string }[] = [
  {
    id: 'local',
    title: 'local',
    absent: 'Nothing was judged from its own captured inputs in this trace.',
  },
  {
    id: 'isolated',
    title: 'isolated',
    absent: 'No stage was fed the reference’s inputs: an engine that was only captured cannot be.',
  },
  { id: 'free', title: 'free-running', absent: 'The two sides did not run on by themselves in this trace.' },
];

const UNITS: readonly { readonly id: Unit; readonly title: string }[] = [
  { id: 'ratio', title: 'error ÷ bound' },
  { id: 'l2', title: 'relative L2' },
];

/** The page's one measure, and the scale that it is drawn on. Stays in sight, and says the finding once its heading has gone. */
export function Tools({ data }: { readonly data: MapData }): ReactElement {
  const room = useRoom();
  const [stuck, setStuck] = useState(false);
  const mark = useRef<HTMLSpanElement>(null);
  const open = useApp((s) => s.shell.panel === 'measure');
  const { togglePanel } = useActions();
  useEffect(() => {
    if (mark.current === null) return undefined;
    const observer = new IntersectionObserver(([entry]) => {
      setStuck(entry?.isIntersecting === false && entry.boundingClientRect.top < 0);
    });
    observer.observe(mark.current);
    return () => {
      observer.disconnect();
    };
  }, []);
  const { basis, unit } = data.measure;
  const title = `${BASES.find(({ id }) => id === basis)?.title ?? basis} · ${UNITS.find(({ id }) => id === unit)?.title ?? unit}`;
  return (
    <>
      <span ref={mark} className="stick-mark" aria-hidden="true" />
      <div className={stuck ? 'tools stuck' : 'tools'}>
        {stuck ? <span className="stuck-words">{shortFinding(data)}</span> : null}
        {room === 'phone' ? (
          <>
            <button
              type="button"
              className="measure-button"
              aria-expanded={open}
              onClick={() => {
                togglePanel('measure');
              }}
            >
              {title} ▾
            </button>
            {open ? <Switches data={data} /> : null}
          </>
        ) : (
          <Switches data={data} />
        )}
        {room === 'wide' ? <Legend data={data} /> : null}
      </div>
    </>
  );
}

function Switches({ data }: { readonly data: MapData }): ReactElement {
  const { setBasis, setUnit } = useActions();
  const { basis, unit } = data.measure;
  const bases = basesOf(data.view);
  return (
    <>
      <Choice
        label="judge"
        options={BASES.map(({ id, title, absent }) => ({ id, title, off: bases.includes(id) ? undefined : absent }))}
        value={basis}
        onChange={setBasis}
      />
      <Choice
        label="by"
        options={UNITS.map(({ id, title }) => ({
          id,
          title,
          off:
            id === 'ratio' && !hasBounds(data.view, basis)
              ? 'A bound holds for one stage with known inputs.'
              : undefined,
        }))}
        value={unit}
        onChange={setUnit}
      />
      <Term id={basis} className="what" label={`What is ${BASES.find(({ id }) => id === basis)?.title ?? basis}?`}>
        ?
      </Term>
    </>
  );
}

function Choice<T extends string>(props: {
  readonly label: string;
  readonly options: readonly { readonly id: T; readonly title: string; readonly off: string | undefined }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}): ReactElement {
  return (
    <div className="choice" role="group" aria-label={props.label}>
      <span aria-hidden="true">{props.label}</span>
      {props.options.map(({ id, title, off }) => (
        <button
          key={id}
          type="button"
          aria-pressed={id === props.value}
          disabled={off !== undefined}
          title={off}
          onClick={() => {
            props.onChange(id);
          }}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

/** The scale: what the colours mean. */
export function Legend({ data }: { readonly data: MapData }): ReactElement {
  const theme = useMapTheme();
  const narrow = useRoom() === 'phone';
  const { width, height, nodes } = mapLegend(data, theme, narrow);
  const box = { viewBox: `0 0 ${width} ${height}`, width, height };
  return (
    <div className="legend">
      <div role="img" aria-label="Colour scale">
        <Scene node={svg('svg', { ...box, 'aria-hidden': 'true' }, ...nodes)} />
      </div>
      {data.culprits.size > 0 && data.measure.basis !== 'free' ? (
        <Term id="shadow" className="what" label="What is the shadow?">
          ?
        </Term>
      ) : null}
    </div>
  );
}
