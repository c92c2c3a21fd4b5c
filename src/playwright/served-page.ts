import { pageFolder } from '../cli/browser/page-folder';
import { startStaticServer, type StaticServer } from '../cli/serve/static-server';

let server: Promise<StaticServer> | undefined;

/** The address of the built page, served by this process for as long as it lives. @throws TracerError `usage`: the page is not built */
export async function servedPage(): Promise<string> {
  server ??= pageFolder().then((folder) =>
    startStaticServer({ folder, host: 'localhost', port: 0, keepsAlive: false }),
  );
  return (await server).url;
}
