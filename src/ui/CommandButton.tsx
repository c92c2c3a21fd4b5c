import type { ReactElement } from 'react';
import { command, keyText, type CommandId } from '../store/commands';
import { useApp, useAppStore } from './use-app';

/** A button of the command table. */
export function CommandButton(props: {
  readonly id: CommandId;
  readonly look: 'link' | 'button' | 'button quiet' | 'tool' | 'tool wide-only';
  /** Show the key beside the title. */
  readonly withKey?: boolean;
  /** Leave it out where it cannot be run. */
  readonly hideWhenOff?: boolean;
  /** Other words than the table's, where the place asks for them. */
  readonly title?: string;
}): ReactElement | null {
  const store = useAppStore();
  const found = command(props.id);
  const { title, keys, chord, enabled, run } = found;
  const on = useApp(enabled);
  const key = keyText(found);
  const shortcut = chord === undefined ? keys[0] : `Control+${chord.toUpperCase()}`;
  if (!on && props.hideWhenOff === true) return null;
  return (
    <button
      type="button"
      className={props.look}
      disabled={!on}
      aria-keyshortcuts={shortcut}
      onClick={() => {
        run(store);
      }}
    >
      {props.title ?? title}
      {props.withKey === true && key !== undefined ? <kbd aria-hidden="true">{key}</kbd> : null}
    </button>
  );
}
