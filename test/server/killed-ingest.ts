// Ingests a file and kills its own process at a given moment: `fragment N` (while the Nth is written) or `rename N`
// (just before the Nth file gets its final name; past the last one, at the very end).
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const [dataDirectory = '', file = '', moment = '', count = '1'] = process.argv.slice(2);
let left = Number(count);

function kill(): void {
	if (--left === 0) process.kill(process.pid, 'SIGKILL');
}

const { rename } = fs;
fs.rename = async (from, to) => {
	if (moment === 'rename') kill();
	await rename(from, to);
};
syncBuiltinESMExports();

const { createArchiveServer } = await import('#lib/server/index.js');
const { archive } = createArchiveServer({
	dataDirectory,
	randomInt: () => {
		if (moment === 'fragment') kill();
		return 7;
	},
});
await archive.ingest('door', file, { start: new Date(1_600_000_000_000) });
process.kill(process.pid, 'SIGKILL');
