import type { ReactElement } from 'react';
import { plural, visibleToken } from '../../base/format';
import { CommandButton } from '../CommandButton';
import { useActions, useApp } from '../use-app';
import { OptionsPanel } from './OptionsPanel';

const MOST_CHIPS = 400;

/** The prompt as text and as token ids; the last edit wins. */
export function PromptPanel(): ReactElement {
  const prompt = useApp((s) => s.prompt);
  const opened = useApp((s) => s.opened);
  const { setPromptText, setTokenIds, setChat } = useActions();
  const textOff = opened?.preflight.tokenizerError;
  return (
    <section className="prompt">
      <h2>Prompt</h2>
      <label className="field">
        <span className="visually-hidden">Prompt</span>
        <textarea
          data-go="prompt"
          value={prompt.text}
          disabled={textOff !== undefined}
          spellCheck={false}
          onChange={(event) => {
            setPromptText(event.currentTarget.value);
          }}
        />
      </label>
      {textOff === undefined ? null : <p className="note">{textOff.message} Token ids still run.</p>}
      <label className="check">
        <input
          type="checkbox"
          checked={prompt.chat}
          disabled={opened?.preflight.chatTemplate === false}
          onChange={(event) => {
            setChat(event.currentTarget.checked);
          }}
        />
        Chat template
      </label>
      <Chips />
      <label className="field">
        <span>Token ids</span>
        <input
          type="text"
          className="mono"
          value={prompt.idsText}
          spellCheck={false}
          autoComplete="off"
          placeholder="9707, 11, 1879"
          onChange={(event) => {
            setTokenIds(event.currentTarget.value);
          }}
        />
      </label>
      {prompt.source === 'ids' && prompt.text !== '' ? <p className="note">The ids count, not the text.</p> : null}
      {prompt.error === undefined ? null : (
        <p className="note bad">
          {prompt.error.message} {prompt.error.remedy}
        </p>
      )}
      <OptionsPanel />
      <p className="actions">
        <CommandButton id="run" look="button" />
        <CommandButton id="cancel" look="button quiet" />
        <span className="note">{prompt.ids.length === 0 ? '' : plural(prompt.ids.length, 'token')}</span>
      </p>
    </section>
  );
}

function Chips(): ReactElement | null {
  const { ids, texts, pending } = useApp((s) => s.prompt);
  const opened = useApp((s) => s.opened);
  if (ids.length === 0) {
    return pending && opened === undefined ? <p className="note">Tokens appear once a model is open.</p> : null;
  }
  return (
    <ol className="chips" aria-label="Tokens" tabIndex={0}>
      {ids.slice(0, MOST_CHIPS).map((id, i) => (
        <li key={i}>
          {visibleToken(texts[i] ?? '')}
          <small>{id}</small>
        </li>
      ))}
      {ids.length > MOST_CHIPS ? <li>and {ids.length - MOST_CHIPS} more</li> : null}
    </ol>
  );
}
