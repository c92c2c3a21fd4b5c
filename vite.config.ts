import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The page: static files that work from any folder of any host. */
export default defineConfig({
  base: './',
  plugins: [react()],
  worker: { format: 'es' },
  build: { target: 'es2023', sourcemap: true },
});
