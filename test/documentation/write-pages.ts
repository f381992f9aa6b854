/* npm run docs: writes the pages of docs/ that are made from the code. */
import { writeFile } from 'node:fs/promises';
import { apiPage } from './api-page.js';
import { cliPage } from './cli-page.js';

await writeFile('docs/api.md', await apiPage());
await writeFile('docs/cli.md', await cliPage());
