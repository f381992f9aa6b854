import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installedPackages } from '../helpers/package/lockfile.js';

const PAGE = 'docs/licences.md';

/** What stands in docs/licences.md, from the lockfile and the manifests of what is installed. */
export async function licencesPage(): Promise<string> {
	const { license, peerDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
	const packages = await installedPackages();
	const rows = packages.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
	const peers = await Promise.all(
		Object.keys(peerDependencies).map(async (name) => `\`${name}\` (${await licenceOf(name)})`),
	);
	return `# Licences

<!-- Written by \`npm run licences\`. -->

kvs-archive itself: ${license}, Copyright 2026 The kvs-archive authors ([LICENSE](../LICENSE), [NOTICE](../NOTICE)). The media in
\`examples/media\` were made for it and have the same licence.

These ${packages.length} packages are installed with it; each has the text of its licence in its own folder. mediabunny (MPL-2.0) is used as it is
published, source included. None has a script that runs when it is installed.

| package | version | licence |
|---|---|---|
${rows.join('\n')}

\`dist/view/page/main.js\` contains [hls.js](https://github.com/video-dev/hls.js) (${await licenceOf('hls.js')}), with eventemitter3 (MIT) and url-toolkit
(Apache-2.0) as hls.js bundles them.

Not installed unless you do: ${peers.join(', ')}.
`;
}

async function licenceOf(name: string): Promise<string> {
	const { license } = JSON.parse(await readFile(join('node_modules', name, 'package.json'), 'utf8'));
	return license;
}

if (process.argv[1] === import.meta.filename) await writeFile(PAGE, await licencesPage());
