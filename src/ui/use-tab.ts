import { useEffect, useState } from 'react';
import { useApp } from './use-app';

const NAME = 'MoEscope';

/** The tab's title follows the run: it can be watched from another tab. */
export function useTabTitle(): void {
  const title = useApp((s) => {
    if (s.phase === 'running') {
      const { phase, done = 0, total = 0 } = s.progress ?? {};
      return `${phase === 'layers' ? `${String(done)}/${String(total)}` : '…'} ${NAME}`;
    }
    if (s.phase === 'done' && s.report !== undefined) {
      return `${s.report.verdict.sentence.split(':', 1)[0] ?? ''} ${NAME}`;
    }
    return NAME;
  });
  useEffect(() => {
    document.title = title;
  }, [title]);
}

/** Seconds that the tab was in the background since the component came; they grow when it comes back. */
export function useHiddenSeconds(): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    let since: number | undefined = document.hidden ? performance.now() : undefined;
    const changed = (): void => {
      if (document.hidden) {
        since = performance.now();
      } else if (since !== undefined) {
        const gone = (performance.now() - since) / 1000;
        since = undefined;
        setSeconds((before) => before + gone);
      }
    };
    document.addEventListener('visibilitychange', changed);
    return () => {
      document.removeEventListener('visibilitychange', changed);
    };
  }, []);
  return seconds;
}
