import { useMemo, type ReactElement } from 'react';
import { explain } from '../plots/select-explain';
import type { Report } from '../divergence/report';
import type { TraceView } from '../plots/trace-view';
import { selectShown } from '../store/view';
import { CommandButton } from './CommandButton';
import { ErrorNotice } from './ErrorNotice';
import { plural } from '../base/format';
import { adapterName } from '../share/provenance';
import { promptLength } from '../share/redact';
import { NoticeLine, OriginNotes, originText } from './Origin';
import { ProgressLine } from './ProgressLine';
import { Sentence, sentenceLook } from './Sentence';
import { useApp } from './use-app';

/** What the page has to say, in one sentence. */
export function Headline(): ReactElement {
  const phase = useApp((s) => s.phase);
  const shown = useApp(selectShown);
  const loadingName = useApp((s) => s.loadingName);
  const opened = useApp((s) => s.opened);
  return (
    <div className="head">
      <ErrorNotice />
      <NoticeLine />
      {phase === 'loading' ? (
        <Plain kicker="Opening" sentence={`Reading the header of ${loadingName ?? 'the file'}…`} />
      ) : shown.kind === 'live' ? (
        <LiveHeadline />
      ) : shown.kind === 'none' ? (
        <Plain
          kicker={opened === undefined ? 'No trace' : 'Ready'}
          sentence={opened === undefined ? 'Drop a Qwen3-MoE GGUF anywhere.' : `${opened.card.name} is open.`}
          why={
            opened === undefined
              ? 'It is streamed, never uploaded: both arms run on this machine, and the page shows where they part.'
              : 'Nothing but the header has been read so far. Give it a prompt and run it.'
          }
        />
      ) : (
        <VerdictHeadline report={shown.report} view={shown.view} recorded={shown.kind === 'recorded'} />
      )}
    </div>
  );
}

function Plain(props: { readonly kicker: string; readonly sentence: string; readonly why?: string }): ReactElement {
  return (
    <>
      <p className="kicker">
        <b>{props.kicker}</b>
      </p>
      <h1>{props.sentence}</h1>
      {props.why === undefined ? null : <p className="why">{props.why}</p>}
    </>
  );
}

function LiveHeadline(): ReactElement {
  const phase = useApp((s) => s.phase);
  const progress = useApp((s) => s.progress);
  const cancelling = useApp((s) => s.cancelling);
  const lost = useApp((s) => s.shell.lost);
  const shown = useApp(selectShown);
  const layers = shown.kind === 'live' ? shown.live.layersDone : 0;
  if (phase === 'error' && layers === 0) {
    const name = shown.kind === 'live' ? shown.live.model.name : 'The model';
    return <Plain kicker="Stopped" sentence={`${name} did not run.`} why="Nothing was compared yet." />;
  }
  if (phase !== 'running') {
    const sentence = phase === 'cancelled' ? `Cancelled after ${plural(layers, 'layer')}.` : 'The run did not finish.';
    return (
      <>
        <Plain
          kicker={phase === 'cancelled' ? 'Cancelled' : 'Stopped'}
          sentence={sentence}
          why={
            layers === 0
              ? 'Nothing was compared yet.'
              : 'What was compared until then is below. It is no verdict: nothing is known of the layers after it.'
          }
        />
        <p className="verbs">
          <CommandButton id="run" look="button quiet" title="Run it again" />
        </p>
      </>
    );
  }
  if (lost !== undefined) {
    return (
      <div role="alert">
        <Plain
          kicker="GPU lost"
          sentence={`The GPU went away after ${plural(lost.layersDone, 'finished layer')}.`}
          why={`${lost.error.message} The reference and everything compared so far are still here: the run can go on from the last finished layer on a new device, whose values are the same to the bit.`}
        />
        <p className="verbs">
          <CommandButton id="resume" look="button" />
          <CommandButton id="cancel" look="button quiet" title="End the run" />
          <code data-testid="lost-code">{lost.error.code}</code>
        </p>
      </div>
    );
  }
  const where =
    progress?.phase === 'layers'
      ? `Tracing layer ${String(Math.min(progress.total, progress.done + 1))} of ${String(progress.total)}`
      : progress?.phase === 'head'
        ? 'Tracing the head'
        : 'Preparing';
  return (
    <>
      <p className="kicker">
        <b>{cancelling ? 'Cancelling…' : 'Running'}</b>
      </p>
      <h1>{where}</h1>
      <ProgressLine />
    </>
  );
}

function VerdictHeadline(props: {
  readonly report: Report;
  readonly view: TraceView;
  readonly recorded: boolean;
}): ReactElement {
  const { report, view, recorded } = props;
  const { status, sentence } = report.verdict;
  const origin = useApp((s) => s.shell.origin);
  const open = useApp((s) => s.opened?.card.headerSha256);
  const elsewhere = origin !== undefined && open !== undefined && open !== report.model.headerSha256;
  const why = useMemo(() => explain(view), [view]);
  return (
    <>
      <p className="kicker">
        <b>{recorded ? 'Recorded trace of the sample model' : originText(origin)}</b>
        <span>{report.model.name}</span>
        {elsewhere ? <span className="bad">another model than the one that is open</span> : null}
        {report.adapter === undefined ? null : <span>{adapterName(report.adapter)}</span>}
        {promptLength(report.run) === 0 ? null : <span>{plural(promptLength(report.run), 'token')}</span>}
        {report.run.inject === undefined ? null : <span>injected: {report.run.inject.join(', ')}</span>}
      </p>
      <h1 className={sentenceLook(status)} data-testid="verdict">
        <Sentence text={sentence} />
      </h1>
      <OriginNotes report={report} />
      <p className="why">{why.map((part, i) => (part.code === true ? <code key={i}>{part.text}</code> : part.text))}</p>
      <p className="verbs">
        {recorded ? <CommandButton id="sample" look="button" /> : null}
        {status === 'match' ? null : (
          <>
            <CommandButton id="first" look="link" withKey />
            <CommandButton id="next" look="link" withKey />
            <CommandButton id="previous" look="link" withKey />
          </>
        )}
        <CommandButton id="copy" look="link" withKey />
        {recorded ? null : <CommandButton id="sample" look="link" />}
        <CommandButton id="back" look="link" withKey hideWhenOff />
      </p>
    </>
  );
}
