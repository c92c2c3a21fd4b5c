import { useMemo, type ReactElement } from 'react';
import { formatDuration, plural } from '../../base/format';
import type { Report } from '../../divergence/report';
import { findingOf, type Finding as Found } from '../../plots/finding';
import { liveFinding } from '../../plots/live-finding';
import type { TraceView } from '../../plots/trace-view';
import { selectShown } from '../../store/view';
import { CommandButton } from '../CommandButton';
import { ErrorNotice } from '../ErrorNotice';
import { NoGpu, NoticeLine, OriginNotes, originText } from '../Origin';
import { useActions, useApp } from '../use-app';
import { useHiddenSeconds } from '../use-tab';
import { Words } from './Words';

/** What the page has to say: one line, three facts, and the exact sentence. */
export function Finding(): ReactElement {
  const phase = useApp((s) => s.phase);
  const shown = useApp(selectShown);
  const loadingName = useApp((s) => s.loadingName);
  const opened = useApp((s) => s.opened);
  return (
    <div className="finding" data-testid="finding">
      <ErrorNotice />
      <NoticeLine />
      <NoGpu />
      {phase === 'loading' ? (
        <Plain head={`Reading the header of ${loadingName ?? 'the file'}…`} />
      ) : shown.kind === 'live' ? (
        <Live />
      ) : shown.kind === 'none' ? (
        opened === undefined ? (
          <Plain
            head="Drop a model, a trace or a dump anywhere."
            why="A model is streamed, never uploaded: both sides run on this machine, and the page shows where they part."
          />
        ) : (
          <Plain
            head={`${opened.card.name} is open.`}
            why="Nothing but the header has been read so far. Give it a prompt and run it."
          />
        )
      ) : (
        <Verdict report={shown.report} view={shown.view} />
      )}
    </div>
  );
}

function Plain({ head, why }: { readonly head: string; readonly why?: string }): ReactElement {
  return (
    <>
      <h1>{head}</h1>
      {why === undefined ? null : <p className="why">{why}</p>}
    </>
  );
}

function Facts({ facts }: Pick<Found, 'facts'>): ReactElement {
  return (
    <dl className="facts">
      {facts.map(({ title, words }) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>
            <Words words={words} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Live(): ReactElement {
  const phase = useApp((s) => s.phase);
  const progress = useApp((s) => s.progress);
  const cancelling = useApp((s) => s.cancelling);
  const lost = useApp((s) => s.shell.lost);
  const shown = useApp(selectShown);
  const hidden = useHiddenSeconds();
  if (shown.kind !== 'live') return <Plain head="Preparing." />;
  const { view, live } = shown;
  const layers = live.layersDone;
  if (phase !== 'running') {
    const head = phase === 'cancelled' ? `Cancelled after ${plural(layers, 'layer')}.` : 'The run did not finish.';
    const why =
      layers === 0
        ? 'Nothing was compared yet.'
        : 'What was compared until then is below. It is no verdict: nothing is known of the layers after it.';
    return <Plain head={head} why={why} />;
  }
  if (lost !== undefined) {
    return (
      <div role="alert">
        <Plain
          head={`The GPU went away after ${plural(lost.layersDone, 'finished layer')}.`}
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
  const { head, facts } = liveFinding(view, progress, layers);
  return (
    <>
      <h1>
        <Words words={cancelling ? ['Cancelling…'] : head} />
      </h1>
      <Facts facts={facts} />
      {hidden < 1 ? null : (
        <p className="note" data-testid="was-hidden">
          This tab was in the background for {formatDuration(hidden)}: the run went on, but browsers slow such tabs
          down, so that its times say little.
        </p>
      )}
    </>
  );
}

function Verdict({ report, view }: { readonly report: Report; readonly view: TraceView }): ReactElement {
  const origin = useApp((s) => s.shell.origin);
  const open = useApp((s) => s.opened?.card.headerSha256);
  const running = useApp((s) => s.phase === 'running');
  const { copySentence } = useActions();
  const found = useMemo(() => findingOf(view, report), [view, report]);
  const elsewhere = origin !== undefined && open !== undefined && open !== report.model.headerSha256;
  return (
    <>
      <div className="headline">
        <h1>
          <Words words={found.head} />
        </h1>
        {origin === undefined && !running ? null : (
          <p className="from">
            {running ? <b>Preparing the next run. </b> : null}
            {origin === undefined ? null : <span>{originText(origin)}</span>}
            {elsewhere ? <span className="bad">another model than the one that is open</span> : null}
            <CommandButton id="back" look="link" withKey hideWhenOff />
          </p>
        )}
      </div>
      <Facts facts={found.facts} />
      <OriginNotes report={report} />
      <div className="sentence">
        <details>
          <summary title="unfold">
            <span data-testid="verdict">{report.verdict.sentence}</span>
          </summary>
        </details>
        <button type="button" className="link" onClick={() => void copySentence()}>
          Copy <kbd aria-hidden="true">c</kbd>
        </button>
      </div>
    </>
  );
}
