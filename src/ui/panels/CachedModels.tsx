import { useEffect, useState, type ReactElement } from 'react';
import { formatBytes } from '../../base/format';
import { forgetModel, cachedModels, type CachedModel } from '../../cache/model-cache';
import { useApp } from '../use-app';

/** What is kept of remote models on this device, and a way to be rid of it. Nothing when nothing is kept. */
export function CachedModels(): ReactElement | null {
  const phase = useApp((s) => s.phase);
  const [models, setModels] = useState<readonly CachedModel[]>([]);
  const [problem, setProblem] = useState<string>();
  // What is kept changes when a model is opened and when a run ends.
  useEffect(() => {
    void found().then(setModels);
  }, [phase]);
  const forget = async (model: CachedModel): Promise<void> => {
    setProblem(undefined);
    try {
      await forgetModel(model.key);
    } catch {
      setProblem(`${model.name} is in use. Close the page's other tabs and try again.`);
    }
    setModels(await found());
  };
  if (models.length === 0) return null;
  return (
    <section aria-label="Kept on this device">
      <h2>Kept on this device</h2>
      <ul className="kept">
        {models.map((model) => (
          <li key={model.key}>
            <span title={model.url}>{model.name}</span>{' '}
            <span className="note">
              {formatBytes(model.bytes)} of {formatBytes(model.size)}
            </span>{' '}
            <button
              type="button"
              className="link"
              onClick={() => {
                void forget(model);
              }}
            >
              Clear<span className="visually-hidden"> {model.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {problem === undefined ? null : (
        <p className="note" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}

function found(): Promise<readonly CachedModel[]> {
  return cachedModels().catch(() => []);
}
