import { useId, useState, type KeyboardEvent, type ReactElement } from 'react';
import { paletteLines, type PaletteLine } from '../../store/palette';
import { useActions, useApp, useAppStore } from '../use-app';
import { Dialog } from './Dialog';

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

/** Every command and every place of the trace, by a few letters. */
export function Palette(): ReactElement {
  const store = useAppStore();
  const state = useApp((s) => s);
  const { closeDialog } = useActions();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const list = useId();
  const lines = paletteLines(text, state);
  const current = Math.min(at, Math.max(0, lines.length - 1));
  const run = (line: PaletteLine | undefined): void => {
    if (line === undefined) return;
    closeDialog();
    // The dialog gives the focus back first; a command may then move it.
    setTimeout(() => {
      line.run(store);
    }, 0);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((current + step + lines.length) % Math.max(1, lines.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(lines[current]);
    }
  };
  return (
    <Dialog title="Commands" className="palette" quiet>
      <input
        type="text"
        role="combobox"
        aria-label="Command or place"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={lines[current] === undefined ? undefined : `${list}-${String(current)}`}
        placeholder="A command, 12 router 3, ffn_down, expert 41, a token, a defect"
        data-first
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul role="listbox" id={list} aria-label="Commands">
        {lines.map((line, i) => (
          <li
            key={line.id}
            id={`${list}-${String(i)}`}
            role="option"
            aria-selected={i === current}
            onPointerMove={() => {
              setAt(i);
            }}
            onClick={() => {
              run(line);
            }}
          >
            {line.title}
            {line.key === undefined ? null : <kbd>{line.key}</kbd>}
          </li>
        ))}
      </ul>
      {lines.length === 0 ? <p className="note">Nothing is called that.</p> : null}
    </Dialog>
  );
}
