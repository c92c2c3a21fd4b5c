import type { ReactElement } from 'react';
import { COMMANDS, keyText, type Command } from '../../store/commands';
import { useActions, useApp } from '../use-app';
import { Dialog } from './Dialog';

/** What figures understand besides the command table. */
const IN_FIGURES = [
  ['← → ↑ ↓', 'on the map: from cell to cell'],
  ['Ctrl wheel', 'on the map: zoom at the pointer'],
  ['Tab', 'from figure to figure'],
  ['Enter', 'in a table: open, in the palette: run'],
] as const;

/** All keys, from the table that feeds them. */
export function KeySheet(): ReactElement {
  const shortcuts = useApp((s) => s.shortcuts);
  const { setShortcuts } = useActions();
  return (
    <Dialog title="Keyboard" className="keys">
      <dl className="key-list">
        {COMMANDS.map((c: Command) => {
          const key = keyText(c);
          return key === undefined ? null : <Line key={c.id} name={key} what={c.title} />;
        })}
      </dl>
      <h3>In a figure or table</h3>
      <dl className="key-list">
        {IN_FIGURES.map(([name, what]) => (
          <Line key={name} name={name} what={what} />
        ))}
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={shortcuts}
          onChange={(event) => {
            setShortcuts(event.currentTarget.checked);
          }}
        />
        Single-letter keys
      </label>
    </Dialog>
  );
}

function Line(props: { readonly name: string; readonly what: string }): ReactElement {
  return (
    <div>
      <dt>
        <kbd>{props.name}</kbd>
      </dt>
      <dd>{props.what}</dd>
    </div>
  );
}
