import { useId, useLayoutEffect, useRef, useState, type ReactElement, type ReactNode } from 'react';
import { drawTerm, TERMS, type TermId } from '../../plots/terms';
import { Scene } from '../Scene';
import { useMapTheme } from '../use-theme';

const WIDTH = 302;
const MARGIN = 8;

/** A word that explains itself when it is pointed at, focused or touched. */
export function Term(props: {
  readonly id: TermId;
  readonly children: ReactNode;
  readonly className?: string;
  readonly label?: string;
}): ReactElement {
  const [open, setOpen] = useState(false);
  const [button, setButton] = useState<HTMLButtonElement | null>(null);
  const popover = useId();
  const show = (): void => {
    setOpen(true);
  };
  const hide = (): void => {
    setOpen(false);
  };
  return (
    <>
      <button
        ref={setButton}
        type="button"
        className={props.className ?? 'term'}
        aria-label={props.label}
        aria-describedby={open ? popover : undefined}
        onClick={show}
        onPointerEnter={show}
        onPointerLeave={hide}
        onFocus={show}
        onBlur={hide}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || !open) return;
          event.stopPropagation();
          hide();
        }}
      >
        {props.children}
      </button>
      {open ? <Explained id={popover} term={props.id} at={button} /> : null}
    </>
  );
}

function Explained(props: {
  readonly id: string;
  readonly term: TermId;
  readonly at: HTMLElement | null;
}): ReactElement | null {
  const { id, term, at } = props;
  const theme = useMapTheme();
  const ref = useRef<HTMLDivElement>(null);
  // In the top layer: nothing that scrolls or clips is in its way.
  useLayoutEffect(() => {
    const box = ref.current;
    if (box === null || at === null) return;
    box.showPopover();
    const near = at.getBoundingClientRect();
    const below = near.bottom + MARGIN + box.offsetHeight <= window.innerHeight;
    const top = below ? near.bottom + MARGIN : near.top - MARGIN - box.offsetHeight;
    box.style.left = `${String(Math.max(MARGIN, Math.min(window.innerWidth - WIDTH - MARGIN, near.left - 20)))}px`;
    box.style.top = `${String(Math.max(MARGIN, top))}px`;
  }, [at]);
  const found = TERMS.find((entry) => entry.id === term);
  if (found === undefined) return null;
  return (
    <div ref={ref} id={id} popover="manual" role="tooltip" className="explained">
      <b>{found.title}</b>
      {found.text}
      <Scene node={drawTerm(term, theme)} />
    </div>
  );
}
