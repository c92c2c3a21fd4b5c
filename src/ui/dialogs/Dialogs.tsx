import { lazy, Suspense, type ReactElement } from 'react';
import { useApp } from '../use-app';
import { CompareDialog } from './CompareDialog';
import { KeySheet } from './KeySheet';
import { FileDialog } from './FileDialog';
import { Palette } from './Palette';
import { RunsDialog } from './RunsDialog';

/** Pictures and files are made by code that the first load does not need. */
const ShareDialog = lazy(() => import('./ShareDialog').then((module) => ({ default: module.ShareDialog })));

const PairDialog = lazy(() => import('./PairDialog').then((module) => ({ default: module.PairDialog })));
const BenchDialog = lazy(() => import('./BenchDialog').then((module) => ({ default: module.BenchDialog })));

/** The dialog that is open. */
export function Dialogs(): ReactElement | null {
  const dialog = useApp((s) => s.shell.dialog);
  switch (dialog) {
    case 'palette':
      return <Palette />;
    case 'keys':
      return <KeySheet />;
    case 'runs':
      return <RunsDialog />;
    case 'file':
      return <FileDialog />;
    case 'compare':
      return <CompareDialog />;
    case 'share':
      return (
        <Suspense fallback={null}>
          <ShareDialog />
        </Suspense>
      );
    case 'pair':
      return (
        <Suspense fallback={null}>
          <PairDialog />
        </Suspense>
      );
    case 'bench':
      return (
        <Suspense fallback={null}>
          <BenchDialog />
        </Suspense>
      );
    case undefined:
      return null;
  }
}
