import { useState, type ReactElement } from 'react';
import { toErrorData, type ErrorData } from '../../base/errors';
import { FAULTS, faultSpec, type FaultKind, type FaultParameter } from '../../model/faults';
import { faultText, parseFault } from '../../model/parse-fault';
import { useActions, useApp } from '../use-app';

/** What the fields say of the fault in the making; empty fields are left out. */
type Draft = Readonly<Record<FaultParameter | 'layer', string>>;

const FIRST_DRAFT: Draft = { layer: '0', expert: '', tensor: '', position: '', bit: '' };

/** Titles of the fields. */
const FIELDS: Readonly<Record<FaultParameter, string>> = {
  expert: 'Expert',
  tensor: 'Tensor',
  position: 'Position',
  bit: 'Bit',
};

/** Faults on purpose in the GPU arm: to see what is said of them. Chosen from the fault table, written as the command line does. */
export function FaultsField(): ReactElement {
  const inject = useApp((s) => s.options.inject);
  const { setOptions } = useActions();
  const [kind, setKind] = useState<FaultKind>('qtype-blind');
  const [draft, setDraft] = useState(FIRST_DRAFT);
  const [error, setError] = useState<ErrorData>();
  const spec = faultSpec(kind);
  const add = (): void => {
    try {
      const text = faultText(parseFault(draftText(kind, draft)));
      setError(undefined);
      if (!inject.includes(text)) setOptions({ inject: [...inject, text] });
    } catch (caught) {
      setError(toErrorData(caught));
    }
  };
  const field = (name: FaultParameter | 'layer', title: string): ReactElement => (
    <label key={name}>
      <span>{title}</span>
      {name === 'tensor' ? (
        <select
          aria-label="Fault tensor"
          value={draft.tensor}
          onChange={(event) => {
            setDraft({ ...draft, tensor: event.currentTarget.value });
          }}
        >
          <option value="">by default {spec.byDefault.join(', ')}</option>
          {spec.tensors.map((tensor) => (
            <option key={tensor} value={tensor}>
              {tensor}
            </option>
          ))}
        </select>
      ) : (
        <input
          type="text"
          inputMode="numeric"
          className="mono"
          aria-label={`Fault ${title.toLowerCase()}`}
          placeholder={name === 'layer' ? '0' : 'any'}
          value={draft[name]}
          onChange={(event) => {
            setDraft({ ...draft, [name]: event.currentTarget.value });
          }}
        />
      )}
    </label>
  );
  return (
    <fieldset className="faults field">
      <legend>Faults on purpose</legend>
      <label>
        <span className="visually-hidden">Fault</span>
        <select
          aria-label="Fault"
          value={kind}
          onChange={(event) => {
            const chosen = FAULTS.find((fault) => fault.kind === event.currentTarget.value);
            if (chosen !== undefined) setKind(chosen.kind);
            setDraft({ ...FIRST_DRAFT, layer: draft.layer });
            setError(undefined);
          }}
        >
          {FAULTS.map((fault) => (
            <option key={fault.kind} value={fault.kind}>
              {fault.kind}
            </option>
          ))}
        </select>
      </label>
      <p className="note">
        {spec.what.replaceAll('`', '')}; visible: {spec.visible}.
      </p>
      <div className="fault-fields">
        {field('layer', 'Layer')}
        {spec.parameters.map((name) => field(name, FIELDS[name]))}
        <button type="button" className="button quiet" onClick={add}>
          Add fault
        </button>
      </div>
      {error === undefined ? null : (
        <p className="note" role="alert">
          {error.message}
        </p>
      )}
      {inject.length === 0 ? null : (
        <ul className="chips" aria-label="Faults of the next run">
          {inject.map((text) => (
            <li key={text}>
              <code>{text}</code>
              <button
                type="button"
                aria-label={`Remove ${text}`}
                onClick={() => {
                  setOptions({ inject: inject.filter((other) => other !== text) });
                }}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </fieldset>
  );
}

/** As `--inject` takes it; only what the kind takes. */
function draftText(kind: FaultKind, draft: Draft): string {
  const names = ['layer', ...faultSpec(kind).parameters] as const;
  const given = names.flatMap((name) => (draft[name].trim() === '' ? [] : [`${name}=${draft[name].trim()}`]));
  return `${kind}@${given.join(',')}`;
}
