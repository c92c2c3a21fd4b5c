import { useState, type ReactElement } from 'react';
import { toErrorData } from '../../base/errors';
import { FAULTS, faultSpec, type FaultKind, type FaultParameter } from '../../model/faults';
import { faultText, parseFault } from '../../model/parse-fault';
import { selectOptionErrors } from '../../store/check-options';
import { useActions, useApp } from '../use-app';

type Field = FaultParameter | 'layer';
type Draft = Readonly<Record<Field, string>>;

const EMPTY: Draft = { layer: '2', expert: '', tensor: '', position: '', bit: '' };
const TITLES: Readonly<Record<FaultParameter, string>> = {
  expert: 'Expert',
  tensor: 'Tensor',
  position: 'Position',
  bit: 'Bit',
};
/** Defects that say most at first sight, in plain words. */
const PLAIN: readonly { readonly kind: FaultKind; readonly title: string }[] = [
  { kind: 'qtype-blind', title: 'Read a weight as the wrong type' },
  { kind: 'wrong-expert', title: 'Take the neighbour’s expert' },
  { kind: 'no-causal-mask', title: 'Forget the causal mask' },
  { kind: 'bitflip', title: 'Flip one bit' },
  { kind: 'nan', title: 'Make a NaN' },
];

/** A defect in the candidate, to see what is said of it. What is chosen is armed; there is nothing else to press. */
export function DefectPanel(): ReactElement {
  const inject = useApp((s) => s.options.inject);
  const armed = useApp((s) => s.options.engines.includes('gpu'));
  const error = useApp((s) => selectOptionErrors(s).inject);
  const { setOptions } = useActions();
  const nLayer = useApp((s) => (s.opened?.card ?? s.recorded?.model)?.hparams.nLayer ?? 3);
  // A model of two layers has no third.
  const [draft, setDraft] = useState(() => draftOf(inject[0], { ...EMPTY, layer: String(Math.min(2, nLayer - 1)) }));
  const change = (kind: FaultKind | undefined, values: Draft): void => {
    setDraft({ kind, values });
    setOptions({ inject: kind === undefined ? [] : [specText(kind, values)] });
  };
  const { kind, values } = draft;
  const spec = kind === undefined ? undefined : faultSpec(kind);
  if (!armed)
    return <p className="note">Defects are put into the kernels of this page: choose the GPU as candidate.</p>;
  return (
    <div className="defects">
      <div className="plain-defects">
        {PLAIN.map((plain) => (
          <button
            key={plain.kind}
            type="button"
            aria-pressed={plain.kind === kind}
            onClick={() => {
              change(plain.kind, { ...EMPTY, layer: values.layer });
            }}
          >
            {plain.title}
          </button>
        ))}
      </div>
      <div className="defect-fields">
        <label>
          <span>Defect</span>
          <select
            aria-label="Defect"
            value={kind ?? ''}
            onChange={(event) => {
              const found = FAULTS.find((fault) => fault.kind === event.currentTarget.value);
              change(found?.kind, { ...EMPTY, layer: values.layer });
            }}
          >
            <option value="">none</option>
            {FAULTS.map((fault) => (
              <option key={fault.kind} value={fault.kind}>
                {fault.kind}
              </option>
            ))}
          </select>
        </label>
        {kind === undefined || spec === undefined
          ? null
          : (['layer', ...spec.parameters] as const).map((name) => (
              <label key={name}>
                <span>{name === 'layer' ? 'Layer' : TITLES[name]}</span>
                {name === 'tensor' ? (
                  <select
                    aria-label="Defect tensor"
                    value={values.tensor}
                    onChange={(event) => {
                      change(kind, { ...values, tensor: event.currentTarget.value });
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
                    aria-label={`Defect ${name}`}
                    placeholder={name === 'layer' ? '0' : 'any'}
                    value={values[name]}
                    onChange={(event) => {
                      change(kind, { ...values, [name]: event.currentTarget.value });
                    }}
                  />
                )}
              </label>
            ))}
      </div>
      {spec === undefined ? null : (
        <p className="note">
          {spec.what.replaceAll('`', '')}; visible: {spec.visible}.
        </p>
      )}
      {inject.length > 1 ? <p className="note">Armed: {inject.join('; ')}.</p> : null}
      {error === undefined ? null : (
        <p className="note bad" role="alert">
          {error.message}
        </p>
      )}
    </div>
  );
}

/** As `--inject` takes it; only what the kind takes, and what was typed. */
function specText(kind: FaultKind, values: Draft): string {
  const names = ['layer', ...faultSpec(kind).parameters] as const;
  const given = names.flatMap((name) => (values[name].trim() === '' ? [] : [`${name}=${values[name].trim()}`]));
  const text = `${kind}@${given.join(',')}`;
  try {
    return faultText(parseFault(text));
  } catch (error) {
    // Kept as typed: the field says what is wrong with it, and it does not run.
    if (toErrorData(error).code !== 'fault-spec') throw error;
    return text;
  }
}

function draftOf(
  spec: string | undefined,
  none: Draft,
): { readonly kind: FaultKind | undefined; readonly values: Draft } {
  if (spec === undefined) return { kind: undefined, values: none };
  try {
    const { kind, layer, expert, tensor, position, bit } = parseFault(spec);
    const text = (value: string | number | undefined): string => (value === undefined ? '' : String(value));
    const values = {
      layer: text(layer),
      expert: text(expert),
      tensor: text(tensor),
      position: text(position),
      bit: text(bit),
    };
    return { kind, values };
  } catch (error) {
    if (toErrorData(error).code !== 'fault-spec') throw error;
    return { kind: undefined, values: none };
  }
}
