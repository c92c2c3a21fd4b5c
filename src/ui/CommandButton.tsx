import type { ReactElement } from 'react';
import { command, type CommandId } from '../store/commands';
import { useApp, useAppStore } from './use-app';

/** A button of the command table. */
export function CommandButton(props: {
  readonly id: CommandId;
  readonly look: 'link' | 'button' | 'button quiet';
  /** Show the key beside the title. */
  readonly withKey?: boolean;
}): ReactElement {
  const store = useAppStore();
  const { title, keys, enabled, run } = command(props.id);
  const on = useApp(enabled);
  const key = keys[0];
  return (
    <button
      type="button"
      className={props.look}
      disabled={!on}
      aria-keyshortcuts={key}
      onClick={() => {
        run(store);
      }}
    >
      {title}
      {props.withKey === true && key !== undefined ? <kbd aria-hidden="true">{key}</kbd> : null}
    </button>
  );
}
