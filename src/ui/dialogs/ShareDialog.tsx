import { useEffect, useState, type ReactElement } from 'react';
import type { Report } from '../../divergence/report';
import { whatLeaves } from '../../share/leaving';
import type { Picture } from '../../share/picture';
import { hasPrompt } from '../../share/redact';
import { leavingPicture, SHARE_KINDS, type ShareKind } from '../../store/share-actions';
import { viewStateOf } from '../../store/shell-actions';
import { selectShown } from '../../store/view';
import { Pairs } from '../Pairs';
import { Scene } from '../Scene';
import { useActions, useApp, useAppStore } from '../use-app';
import { Dialog } from './Dialog';

const GROUPS: readonly { readonly title: string; readonly kinds: readonly ShareKind[] }[] = [
  { title: 'Picture', kinds: ['copy-picture', 'png', 'svg'] },
  { title: 'Link', kinds: ['copy-link'] },
  { title: 'Report', kinds: ['html', 'json', 'csv'] },
  { title: 'Tensors of this run', kinds: ['npz', 'aprt'] },
];

/** What a trace can become, what it looks like, and what leaves with it. */
export function ShareDialog(): ReactElement {
  const shown = useApp(selectShown);
  const report = shown.kind === 'report' || shown.kind === 'recorded' ? shown.report : undefined;
  return (
    <Dialog title="Share" className="share">
      {report === undefined ? <p>There is no trace to share yet.</p> : <ShareBody report={report} />}
    </Dialog>
  );
}

function ShareBody({ report }: { readonly report: Report }): ReactElement {
  const options = useApp((s) => s.shell.share);
  const origin = useApp((s) => s.shell.origin);
  const own = useApp((s) => s.shell.ownReport);
  const { setShare, share } = useActions();
  const prompt = hasPrompt(report);
  const tensors = origin === undefined && own !== undefined;
  return (
    <div className="share-body">
      <Preview report={report} />
      <div className="share-side">
        <section>
          <h3>What leaves</h3>
          <div data-testid="leaves">
            <Pairs items={whatLeaves(report, options.withPrompt && prompt).map(({ what, value }) => [what, value])} />
          </div>
          <label className="check">
            <input
              type="checkbox"
              checked={options.withPrompt && prompt}
              disabled={!prompt}
              onChange={(event) => {
                setShare({ withPrompt: event.currentTarget.checked });
              }}
            />
            Include the prompt
          </label>
          <label className="check">
            <input
              type="checkbox"
              checked={options.dark}
              onChange={(event) => {
                setShare({ dark: event.currentTarget.checked });
              }}
            />
            Dark picture
          </label>
          <label className="check">
            <input
              type="checkbox"
              checked={options.sheet}
              onChange={(event) => {
                setShare({ sheet: event.currentTarget.checked });
              }}
            />
            Full sheet: the map with its strips, and where it all comes from
          </label>
        </section>
        {GROUPS.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <p className="actions">
              {group.kinds.map((id) => {
                const kind = SHARE_KINDS.find((k) => k.id === id);
                return (
                  <button
                    key={id}
                    type="button"
                    className={id === 'copy-picture' ? 'button' : 'button quiet'}
                    title={kind?.hint}
                    disabled={options.busy !== undefined || (group.kinds.includes('npz') && !tensors)}
                    onClick={() => {
                      void share(id);
                    }}
                  >
                    {kind?.title ?? id}
                  </button>
                );
              })}
            </p>
            {group.kinds.includes('npz') ? (
              <p className="note">
                {tensors
                  ? 'Tensors as far as they were kept. Whoever has the model can compute the prompt from the embedding.'
                  : 'Run a prompt on this page to have its tensors.'}
              </p>
            ) : null}
          </section>
        ))}
        <p className={options.error === undefined ? 'note' : 'note bad'} role="status" data-testid="share-done">
          {options.error === undefined
            ? (options.done ?? (options.busy === undefined ? '' : 'Making it…'))
            : `${options.error.message} ${options.error.remedy}`}
        </p>
      </div>
    </div>
  );
}

/** The picture as it will be, with the prompt or without. */
function Preview({ report }: { readonly report: Report }): ReactElement {
  const options = useApp((s) => s.shell.share);
  const store = useAppStore();
  const { withPrompt, dark, sheet } = options;
  const [picture, setPicture] = useState<Picture | undefined>(undefined);
  useEffect(() => {
    let current = true;
    leavingPicture(report, viewStateOf(store.getState()), { withPrompt, dark, sheet }).then(
      (made) => {
        if (current) setPicture(made.picture);
      },
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [report, store, withPrompt, dark, sheet]);
  return (
    <div className="preview" role="img" aria-label={picture?.title ?? 'The picture is being made'}>
      {picture === undefined ? null : (
        <Scene node={{ ...picture.root, attributes: { ...picture.root.attributes, 'aria-hidden': 'true' } }} />
      )}
    </div>
  );
}
