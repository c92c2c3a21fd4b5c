import type { ReactElement } from 'react';
import { KeptModels } from '../panels/KeptModels';
import { FileCard } from '../panels/FileCard';
import { Dialog } from './Dialog';

/** The open model: what it is made of, and what a run costs. */
export function FileDialog(): ReactElement {
  return (
    <Dialog title="The open model" className="file-dialog">
      <FileCard />
      <KeptModels />
    </Dialog>
  );
}
