import type { ReactElement } from 'react';
import { CachedModels } from '../panels/CachedModels';
import { FileCard } from '../panels/FileCard';
import { LookedCard } from '../panels/LookedCard';
import { useApp } from '../use-app';
import { Dialog } from './Dialog';

/** The open model: what it is made of, and what a run costs. Of a file that does not run, what it says and what stands in the way. */
export function FileDialog(): ReactElement {
  const looked = useApp((s) => s.looked);
  return (
    <Dialog title={looked === undefined ? 'The open model' : 'A file that does not run'} className="file-dialog">
      {looked === undefined ? <FileCard /> : <LookedCard file={looked} />}
      <CachedModels />
    </Dialog>
  );
}
