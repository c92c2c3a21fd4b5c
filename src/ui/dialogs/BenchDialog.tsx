import { useId, useState, type ReactElement } from 'react';
import { adapterName } from '../../share/provenance';
import { benchFacts, percent, rate, type BenchChoice, type BenchReport } from '../../store/bench-actions';
import { Problem } from '../Problem';
import { useActions, useApp } from '../use-app';
import { useTask } from '../use-task';
import { Dialog } from './Dialog';

/** Kernels that are listed; the rest are in the JSON. */
const MOST_KERNELS = 12;

/** What is measured when nobody says otherwise; a software adapter takes minutes over more. */
const HARDWARE = { promptTokens: 512, newTokens: 64, repeats: 3 } as const;
const SOFTWARE = { promptTokens: 8, newTokens: 4, repeats: 1 } as const;

/** How fast the open model runs here: what `moescope bench` measures, in this browser. */
export function BenchDialog(): ReactElement {
  const adapter = useApp((s) => s.adapter);
  const hasGpu = adapter !== undefined && !('code' in adapter);
  const usual = hasGpu && !adapter.isSoftware ? HARDWARE : SOFTWARE;
  const [engine, setEngine] = useState<BenchChoice['engine']>(hasGpu ? 'gpu' : 'cpu');
  const [prompt, setPrompt] = useState(String(usual.promptTokens));
  const [made, setMade] = useState(String(usual.newTokens));
  /** The report that was copied. */
  const [copied, setCopied] = useState<BenchReport>();
  const { bench, endBench, copyBench } = useActions();
  const { task, start, fail } = useTask<string, BenchReport>(endBench);

  const choice = { engine, promptTokens: whole(prompt), newTokens: whole(made), repeats: usual.repeats };
  const measure = async ({ promptTokens, newTokens, ...rest }: typeof choice): Promise<void> => {
    if (promptTokens === undefined || newTokens === undefined) return;
    await start('starting', (report) => bench({ ...rest, promptTokens, newTokens }, report));
  };

  const running = task.kind === 'running';
  return (
    <Dialog title="Benchmark" className="bench">
      <p className="lead">
        A random prompt, then tokens one by one, on a device of its own: what <code>moescope bench</code> measures, in
        this browser.
      </p>
      <p className="actions">
        <label>
          Side{' '}
          <select
            value={engine}
            disabled={running}
            onChange={(event) => {
              setEngine(event.currentTarget.value === 'cpu' ? 'cpu' : 'gpu');
            }}
          >
            <option value="gpu" disabled={!hasGpu}>
              GPU
            </option>
            <option value="cpu">reference (CPU)</option>
          </select>
        </label>
        <Count title="Prompt tokens" value={prompt} disabled={running} set={setPrompt} />
        <Count title="New tokens" value={made} disabled={running} set={setMade} />
        {running ? (
          <button type="button" className="button quiet" onClick={() => void endBench()}>
            Cancel
          </button>
        ) : (
          <button
            type="button"
            className="button"
            disabled={choice.promptTokens === undefined || choice.newTokens === undefined}
            onClick={() => void measure(choice)}
          >
            Measure
          </button>
        )}
      </p>
      <p role="status">{task.kind === 'running' ? `Measuring: ${task.progress}` : ''}</p>
      {task.kind === 'failed' ? <Problem error={task.error} role="alert" /> : null}
      {task.kind === 'done' ? (
        <>
          <Result report={task.result} />
          <p className="actions">
            <button
              type="button"
              className="button quiet"
              onClick={() => {
                void copyBench(task.result).then(() => {
                  setCopied(task.result);
                }, fail);
              }}
            >
              {copied === task.result ? 'Copied' : 'Copy as JSON'}
            </button>
          </p>
        </>
      ) : null}
    </Dialog>
  );
}

function Count(props: {
  readonly title: string;
  readonly value: string;
  readonly disabled: boolean;
  readonly set: (value: string) => void;
}): ReactElement {
  const id = useId();
  return (
    <span>
      <label htmlFor={id}>{props.title}</label>{' '}
      <input
        id={id}
        inputMode="numeric"
        size={5}
        value={props.value}
        disabled={props.disabled}
        aria-invalid={whole(props.value) === undefined}
        onChange={(event) => {
          props.set(event.currentTarget.value);
        }}
      />
    </span>
  );
}

function Result({ report }: { readonly report: BenchReport }): ReactElement {
  const { adapter, kernels } = report;
  return (
    <>
      <div className="scroll" tabIndex={0} role="region" aria-label="Result">
        <table data-testid="bench-result">
          <caption className="visually-hidden">Result of the benchmark</caption>
          <tbody>
            {adapter === undefined ? null : (
              <tr>
                <th scope="row">adapter</th>
                <td>{adapterName(adapter)}</td>
              </tr>
            )}
            {benchFacts(report).map(([name, text]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {kernels === undefined ? null : (
        <div className="scroll" tabIndex={0} role="region" aria-label="Share of a token's GPU time">
          <table>
            <caption>Share of a token’s GPU time, each dispatch timed in a pass of its own</caption>
            <thead>
              <tr>
                <th scope="col">Kernel</th>
                <th scope="col">Share</th>
                <th scope="col">Microseconds</th>
                <th scope="col">Dispatches</th>
              </tr>
            </thead>
            <tbody>
              {kernels.slice(0, MOST_KERNELS).map((one) => (
                <tr key={one.kernel}>
                  <th scope="row">{one.kernel}</th>
                  <td>{percent(one.share)}</td>
                  <td>{rate(one.microsecondsPerToken)}</td>
                  <td>{rate(one.dispatchesPerToken)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

/** A whole number from 1 on, as typed. */
function whole(text: string): number | undefined {
  const value = Number(text.trim());
  return Number.isInteger(value) && value >= 1 ? value : undefined;
}
