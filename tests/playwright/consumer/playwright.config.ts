import { defineConfig } from '@playwright/test';
import { webgpu } from 'moescope/playwright';

const { CHROME_PATH: executablePath, WS_ENDPOINT: wsEndpoint } = process.env;

export default defineConfig({
  timeout: 120_000,
  workers: 1,
  projects: [
    {
      name: 'software',
      use: {
        ...webgpu('software', executablePath === undefined ? {} : { executablePath }),
        ...(wsEndpoint === undefined ? {} : { connectOptions: { wsEndpoint, exposeNetwork: '<loopback>' } }),
      },
    },
  ],
});
