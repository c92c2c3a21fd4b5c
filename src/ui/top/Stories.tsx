import { useEffect, useState, type ReactElement } from 'react';
import type { Report } from '../../divergence/report';
import { mapData } from '../../plots/map/map-data';
import { measureOf } from '../../plots/map/measure';
import { drawThumb } from '../../plots/thumb';
import { viewOfReport } from '../../plots/trace-view';
import { STORIES, type StoryId } from '../../store/stories';
import { whenIdle } from '../idle';
import { Scene } from '../Scene';
import { useActions, useApp } from '../use-app';
import { useMapTheme, useRoom } from '../use-theme';

/** Milliseconds. */
const AT_LATEST = 4000;

/** The first visit: recorded runs to look at, and where to drop one's own. Gone once somebody has run or opened anything. */
export function Stories(): ReactElement | null {
  const begun = useApp((s) => s.shell.begun || s.opened !== undefined || s.phase === 'loading');
  const story = useApp((s) => s.story);
  const recorded = useApp((s) => s.recorded);
  const { showStory, pickFiles } = useActions();
  if (begun || recorded === undefined) return null;
  return (
    <section className="stories" aria-label="Recorded runs">
      <p className="lead">Recorded runs</p>
      {STORIES.map(({ id, title, hint }) => (
        <button
          key={id}
          type="button"
          className="story"
          aria-pressed={story === id}
          onClick={() => {
            void showStory(id);
          }}
        >
          <Thumb story={id} known={story === id ? recorded : undefined} />
          <span>
            <b>{title}</b>
            <small>{hint}</small>
          </span>
        </button>
      ))}
      <button type="button" className="drop" onClick={pickFiles}>
        <svg width="26" height="30" viewBox="0 0 26 30" aria-hidden="true">
          <path d="M1 17v12h24V17M13 1v20M6 14l7 7 7-7" />
        </svg>
        <span>
          <b>Drop your GGUF, trace or dump</b>
          <small>
            or <u>open one</u>. Nothing is uploaded.
          </small>
        </span>
      </button>
    </section>
  );
}

/** The story's own map, fetched when the page has a moment. */
function Thumb({ story, known }: { readonly story: StoryId; readonly known: Report | undefined }): ReactElement | null {
  const theme = useMapTheme();
  const room = useRoom();
  const { recordedStory } = useActions();
  const [report, setReport] = useState<Report | undefined>(known);
  useEffect(() => {
    let current = true;
    whenIdle(() => {
      // A story that cannot be fetched has no picture; it says why when it is pressed.
      recordedStory(story).then(
        (found) => {
          if (current) setReport(found);
        },
        () => undefined,
      );
    }, AT_LATEST);
    return () => {
      current = false;
    };
  }, [recordedStory, story]);
  const shown = report ?? known;
  if (room !== 'wide') return null;
  if (shown === undefined) return <span className="thumb" />;
  const view = viewOfReport(shown);
  return (
    <span className="thumb">
      <Scene node={drawThumb(mapData(view, measureOf(view)), theme)} />
    </span>
  );
}
