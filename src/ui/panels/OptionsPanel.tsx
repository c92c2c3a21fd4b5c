import { useId, type ReactElement } from 'react';
import type { RunMode } from '../../divergence/report';
import { RUN_ARMS, RUN_ARM_IDS, type BuiltInArm } from '../../model/arms';
import { ACTIVE_STAGES } from '../../model/stages';
import type { Routing } from '../../session/events';
import { Segments } from '../Segments';
import { useActions, useApp } from '../use-app';
import { FaultsField } from './FaultsField';

const TITLES = new Map<string, string>(RUN_ARMS.map((arm) => [arm.id, arm.title]));
/** Every pair, then every arm alone. */
const ARMS: readonly (readonly BuiltInArm[])[] = [
  ...RUN_ARM_IDS.flatMap((a, i) => RUN_ARM_IDS.slice(i + 1).map((b): readonly BuiltInArm[] => [a, b])).sort(
    (x, y) => RUN_ARM_IDS.indexOf(y[1] ?? 'gpu') - RUN_ARM_IDS.indexOf(x[1] ?? 'gpu'),
  ),
  ...RUN_ARM_IDS.map((arm) => [arm]),
];
const ROUTES: readonly { readonly id: Routing; readonly title: string }[] = [
  { id: 'own', title: 'its own' },
  { id: 'reference', title: "the reference's" },
];
const MODES: readonly { readonly id: RunMode; readonly title: string }[] = [
  { id: 'both', title: 'both' },
  { id: 'free', title: 'free' },
  { id: 'isolated', title: 'isolated' },
];

/** What a run captures and compares. */
export function OptionsPanel(): ReactElement {
  const options = useApp((s) => s.options);
  const { setOptions } = useActions();
  const list = useId();
  const text = (name: 'layers' | 'stages' | 'positions', title: string, hint: string): ReactElement => (
    <label className="field">
      <span>
        {title} <small>({hint})</small>
      </span>
      <input
        type="text"
        className="mono"
        value={options[name]}
        spellCheck={false}
        autoComplete="off"
        list={name === 'stages' ? list : undefined}
        onChange={(event) => {
          setOptions({ [name]: event.currentTarget.value });
        }}
      />
    </label>
  );
  return (
    <details className="options field">
      <summary>Layers, stages, positions, mode, arms, faults</summary>
      {text('layers', 'Layers', 'all, 3, 0..6')}
      {text('stages', 'Stages', 'all, or names')}
      <datalist id={list}>
        <option value="all" />
        <option value="moe_router,moe_ffn_out" />
        {ACTIVE_STAGES.map((id) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      {text('positions', 'Positions', 'all, last, 0..8')}
      <div className="field">
        <span aria-hidden="true">Mode</span>
        <Segments
          label="Mode"
          value={options.mode}
          options={MODES}
          onChange={(mode) => {
            setOptions({ mode });
          }}
        />
      </div>
      <label className="field">
        <span>
          Arms <small>(under test, then the reference)</small>
        </span>
        <select
          value={options.arms.join()}
          onChange={(event) => {
            const arms = ARMS.find((choice) => choice.join() === event.currentTarget.value);
            if (arms !== undefined) setOptions({ arms });
          }}
        >
          {ARMS.map((arms) => (
            <option key={arms.join()} value={arms.join()}>
              {arms.map((arm) => TITLES.get(arm)).join(' against ')}
              {arms.length === 1 ? ' alone' : ''}
            </option>
          ))}
        </select>
      </label>
      <div className="field">
        <span aria-hidden="true">Experts</span>
        <Segments
          label="Experts"
          value={options.routing}
          options={ROUTES}
          onChange={(routing) => {
            setOptions({ routing });
          }}
        />
      </div>
      {options.arms.includes('gpu') ? <FaultsField /> : null}
    </details>
  );
}
