import type { ReactElement } from 'react';
import { formatBytes, plural } from '../../base/format';
import type { ModelCard } from '../../divergence/report';
import { engineTitle, sideTitle } from '../../plots/trace-view';
import { shortAdapter } from '../../model/adapter-card';
import { sidesOfRun } from '../../model/engines';
import type { Progress } from '../../session/events';
import { canRun, selectTarget } from '../../store/run-target';
import { selectEstimate, selectTook } from '../../store/run-estimate';
import { adapterCard, type AppState } from '../../store/state';
import type { Panel as PanelId } from '../../store/shell-state';
import { selectShown } from '../../store/view';
import { originText } from '../Origin';
import { useActions, useApp } from '../use-app';
import { CandidatePanel, ReferencePanel } from './SidePanels';
import { DefectPanel } from './DefectPanel';
import { Panel } from './Panel';
import { PromptPanel } from './PromptPanel';
import { useShallow } from 'zustand/react/shallow';

/** Both sides, model, prompt, defect, what a run costs, and the button that says what it runs. */
export function RunBar(): ReactElement {
  const panel = useApp((s) => s.shell.panel);
  const running = useApp((s) => s.phase === 'running');
  const progress = useApp((s) => s.progress);
  return (
    <section className={running ? 'run-bar running' : 'run-bar'} aria-label="Run">
      <Sides />
      <ModelField />
      <PromptField />
      <DefectField />
      <RunField />
      {running ? (
        <div
          className="run-progress"
          role="progressbar"
          aria-label="Progress of the run"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(100 * fractionOf(progress))}
        >
          <i style={{ width: `${String(100 * fractionOf(progress))}%` }} />
        </div>
      ) : null}
      {panel === 'candidate' ? (
        <Panel title="Candidate: what is judged">
          <CandidatePanel />
        </Panel>
      ) : panel === 'reference' ? (
        <Panel title="Reference: what it is held against">
          <ReferencePanel />
        </Panel>
      ) : panel === 'prompt' ? (
        <Panel title="Prompt and what is captured" end>
          <PromptPanel />
        </Panel>
      ) : panel === 'defect' ? (
        <Panel title="A defect on purpose" end>
          <DefectPanel />
        </Panel>
      ) : null}
    </section>
  );
}

function Field(props: {
  readonly panel: PanelId;
  readonly label: string;
  readonly value: ReactElement | string;
  /** Beside the value, and never cut. */
  readonly note?: string | undefined;
  readonly className?: string;
}): ReactElement {
  const open = useApp((s) => s.shell.panel === props.panel);
  const { togglePanel } = useActions();
  return (
    <button
      type="button"
      className={`field ${props.className ?? ''}`}
      aria-expanded={open}
      onClick={() => {
        togglePanel(props.panel);
      }}
    >
      <span className="label">{props.label}</span>
      <span className="value">
        <span className="text">{props.value}</span>
        {props.note === undefined ? null : <span className="quiet"> {props.note}</span>}
        <span aria-hidden="true"> ▾</span>
      </span>
    </button>
  );
}

function Sides(): ReactElement {
  const { candidate, device, software, reference, arithmetic } = useApp(useShallow(sidesOf));
  return (
    <>
      <Field
        panel="candidate"
        label={arithmetic === undefined ? 'candidate' : `candidate, ${arithmetic}`}
        className="side"
        value={
          device === undefined ? (
            candidate
          ) : (
            <>
              <span className="engine">{candidate} · </span>
              {device}
            </>
          )
        }
        note={software ? '(software)' : undefined}
      />
      <span className="against">against</span>
      <Field panel="reference" label="reference" className="side reference" value={reference} />
    </>
  );
}

interface SidesShown {
  readonly candidate: string;
  /** The adapter that it runs on. */
  readonly device: string | undefined;
  readonly software: boolean;
  readonly reference: string;
  readonly arithmetic: string | undefined;
}

/** The sides of what is shown where it was opened from elsewhere; else those of the next run. */
function sidesOf(state: AppState): SidesShown {
  const shown = selectShown(state);
  const foreign = shown.kind === 'report' && state.shell.origin !== undefined;
  if (foreign || shown.kind === 'recorded') {
    const { run, adapter } = shown.report;
    const onGpu = run.arms[0] === 'gpu' && adapter !== undefined;
    return {
      candidate: sideTitle(run.candidate, run.arms[0]),
      device: onGpu && run.candidate?.title === undefined ? shortAdapter(adapter) : undefined,
      software: onGpu && adapter.isSoftware,
      reference: sideTitle(run.reference, run.arms[1]),
      arithmetic: run.candidate?.arithmetic,
    };
  }
  const { candidate, reference } = sidesOfRun(state.options.engines);
  const card = adapterCard(state);
  const onGpu = candidate === 'gpu' && card !== undefined;
  return {
    candidate: candidate === undefined ? 'none' : engineTitle(candidate),
    device: onGpu ? shortAdapter(card) : undefined,
    software: onGpu && card.isSoftware,
    reference: reference === undefined ? 'none' : engineTitle(reference),
    arithmetic: undefined,
  };
}

function ModelField(): ReactElement {
  const card = useApp(modelInHand);
  const opened = useApp((s) => s.opened);
  const { openDialog, pickFiles } = useActions();
  return (
    <button
      type="button"
      className="field model"
      title={card?.name}
      onClick={() => {
        if (opened === undefined) pickFiles();
        else openDialog('file');
      }}
    >
      <span className="label">model</span>
      <span className="value">
        <span className="text">{card === undefined ? 'none: open one' : modelText(card)}</span>
      </span>
    </button>
  );
}

function modelInHand(state: AppState): ModelCard | undefined {
  const shown = selectShown(state);
  if (shown.kind === 'report' && state.shell.origin !== undefined) return shown.report.model;
  if (state.opened !== undefined) return state.opened.card;
  return shown.kind === 'report' || shown.kind === 'recorded' ? shown.report.model : undefined;
}

function modelText({ hparams, quant, bytes }: ModelCard): string {
  const size = hparams.nExpert > 0 ? `${hparams.nLayer} × ${hparams.nExpert}` : `${hparams.nLayer} layers`;
  return [size, quant, bytes > 0 ? formatBytes(bytes) : ''].filter((text) => text !== '').join(' · ');
}

/** The prompt of a report whose model is not here: nothing else can be run beside it. */
function foreignPrompt(state: AppState): { readonly count: number; readonly text: string } | undefined {
  const shown = selectShown(state);
  if (shown.kind !== 'report' || selectTarget(state).kind !== 'absent') return undefined;
  const { prompt, tokens, tokenTexts = [] } = shown.report.run;
  const ids = tokens.length === 0 ? 'not shared' : tokens.join(', ');
  return { count: Math.max(tokens.length, tokenTexts.length), text: prompt ?? ids };
}

function PromptField(): ReactElement {
  const foreign = useApp(useShallow(foreignPrompt));
  return foreign === undefined ? (
    <OwnPrompt />
  ) : (
    <div className="field prompt grow">
      <span className="label">Prompt, {plural(foreign.count, 'token')}</span>
      <span className="value">
        <span className="text">{foreign.text}</span>
      </span>
    </div>
  );
}

function OwnPrompt(): ReactElement {
  const prompt = useApp((s) => s.prompt);
  const off = useApp((s) => s.opened?.preflight.tokenizerError !== undefined);
  const open = useApp((s) => s.shell.panel === 'prompt');
  const { setPromptText, togglePanel, run } = useActions();
  const isIds = prompt.source === 'ids';
  const count = prompt.ids.length === 0 ? '' : `, ${plural(prompt.ids.length, 'token')}`;
  return (
    <div className="field prompt grow">
      <span className="label">
        <span className="text">
          <label htmlFor="prompt">Prompt</label>
          {isIds ? `: token ids${count}` : count}
          {prompt.pending ? ' …' : ''}
        </span>
        <button
          type="button"
          className="more"
          aria-expanded={open}
          onClick={() => {
            togglePanel('prompt');
          }}
        >
          Options <span aria-hidden="true">▾</span>
        </button>
      </span>
      <span className="value">
        <textarea
          id="prompt"
          data-go="prompt"
          rows={1}
          value={isIds ? '' : prompt.text}
          placeholder={isIds ? prompt.idsText : 'Type a prompt'}
          disabled={off}
          spellCheck={false}
          aria-invalid={prompt.error !== undefined}
          onChange={(event) => {
            setPromptText(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            void run();
          }}
        />
      </span>
      {prompt.error === undefined ? null : (
        <span className="field-error" role="alert">
          {prompt.error.message}
        </span>
      )}
    </div>
  );
}

/** One array for all: a selector that makes a new one is drawn without end. */
const NOTHING: readonly string[] = [];

function DefectField(): ReactElement | null {
  const inject = useApp((s) => s.options.inject);
  const foreign = useApp((s) => {
    const shown = selectShown(s);
    return shown.kind === 'report' && s.shell.origin !== undefined ? (shown.report.run.inject ?? NOTHING) : undefined;
  });
  const { setOptions } = useActions();
  const shown = foreign ?? inject;
  return (
    <div className="defect-field">
      <Field
        panel="defect"
        label="defect on purpose"
        className={shown.length > 0 ? 'defect armed' : 'defect'}
        value={shown.length === 0 ? 'none' : shown.map(defectText).join('; ')}
      />
      {foreign !== undefined || inject.length === 0 ? null : (
        <button
          type="button"
          className="clear"
          onClick={() => {
            setOptions({ inject: [] });
          }}
        >
          ×<span className="visually-hidden"> No defect</span>
        </button>
      )}
    </div>
  );
}

/** `wrong-expert at layer 17` */
function defectText(spec: string): string {
  return spec.replace(/@layer=(\d+)/, ' at layer $1').replaceAll(',', ', ');
}

function RunField(): ReactElement {
  const running = useApp((s) => s.phase === 'running');
  const target = useApp(useShallow(selectTarget));
  const enabled = useApp(canRun);
  const cancelling = useApp((s) => s.cancelling);
  const { run, cancel, pickFiles } = useActions();
  if (running) {
    return (
      <div className="run-field">
        <Left />
        <button
          type="button"
          className="go"
          disabled={cancelling}
          aria-keyshortcuts="Escape"
          onClick={() => void cancel()}
        >
          {cancelling ? 'Cancelling…' : 'Cancel'}
        </button>
      </div>
    );
  }
  return (
    <div className="run-field">
      <Estimate />
      {target.kind === 'absent' ? (
        <button type="button" className="go absent" onClick={pickFiles}>
          {target.title}
        </button>
      ) : (
        <button
          type="button"
          className="go"
          disabled={!enabled}
          title={target.refused}
          aria-keyshortcuts="r"
          onClick={() => void run()}
        >
          {target.title}
        </button>
      )}
    </div>
  );
}

function Estimate(): ReactElement {
  const estimate = useApp(useShallow((s) => [...selectEstimate(s).lines]));
  const tooLong = useApp((s) => selectEstimate(s).longest !== undefined);
  const took = useApp(useShallow((s) => [...selectTook(s)]));
  const origin = useApp((s) => s.shell.origin);
  const lines =
    origin === undefined
      ? tooLong || took.length === 0
        ? estimate
        : took
      : [took.join(', '), originShort(originText(origin))];
  return (
    <span className={tooLong ? 'estimate wrong' : 'estimate'} data-testid="estimate">
      {lines
        .filter((text) => text !== '')
        .map((text) => (
          <span key={text}>{text}</span>
        ))}
    </span>
  );
}

function originShort(text: string): string {
  return text.length > 34 ? `${text.slice(0, 33)}…` : text;
}

function Left(): ReactElement {
  const progress = useApp((s) => s.progress);
  const done =
    progress?.phase === 'layers'
      ? `layer ${Math.min(progress.total, progress.done + 1)} of ${progress.total}`
      : (progress?.phase ?? 'starting');
  const left = progress?.secondsLeft === undefined ? '' : `${Math.max(1, Math.round(progress.secondsLeft))} s left`;
  return (
    <span className="estimate">
      <span>{done}</span>
      <span>{left}</span>
    </span>
  );
}

/** The layers are nearly all of the work; the other phases share the ends. */
function fractionOf(progress: Progress | undefined): number {
  if (progress === undefined) return 0;
  const within = progress.total === 0 ? 0 : progress.done / progress.total;
  switch (progress.phase) {
    case 'prepare':
      return 0.01 * within;
    case 'embed':
      return 0.01 + 0.01 * within;
    case 'layers':
      return 0.02 + 0.93 * within;
    case 'head':
      return 0.95 + 0.04 * within;
    case 'report':
      return 0.99 + 0.01 * within;
  }
}
