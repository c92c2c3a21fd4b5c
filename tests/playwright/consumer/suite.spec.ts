import { suiteTests } from 'moescope/playwright';

suiteTests('suite.json', { out: 'results' });
