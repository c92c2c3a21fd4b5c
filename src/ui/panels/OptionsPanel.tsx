import { useId, type ReactElement } from 'react';
import { ACTIVE_STAGES } from '../../model/stages';
import type { RunMode } from '../../divergence/report';
import type { ArmChoice } from '../../store/state';
import { Segments } from '../Segments';
import { useActions, useApp } from '../use-app';

const ARMS: readonly { readonly id: ArmChoice; readonly title: string }[] = [
  { id: 'both', title: 'both' },
  { id: 'gpu', title: 'GPU' },
  { id: 'cpu', title: 'reference' },
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
      <summary>Layers, stages, positions, mode, arms</summary>
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
      <div className="field">
        <span aria-hidden="true">Arms</span>
        <Segments
          label="Arms"
          value={options.arms}
          options={ARMS}
          onChange={(arms) => {
            setOptions({ arms });
          }}
        />
      </div>
    </details>
  );
}
