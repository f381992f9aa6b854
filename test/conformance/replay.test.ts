import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { ArchiveServer } from '#lib/server/index.js';
import { testWith, withFfmpeg } from '../helpers/needs.js';
import { compareRecords, differenceTable } from './compare-records.js';
import { guesses } from './guesses.js';
import { LOCAL_STREAM, localSigner, startLocalArchive } from './local-archive.js';
import { type OpenedArchive, openEndpoint } from './open-archive.js';
import { readRecord, recordOf } from './record.js';
import { runProbes } from './run-probes.js';

/** A record that is put there, of an account too, is a test at once. */
const RECORDS = 'test/conformance/records';

const names = (await readdir(RECORDS)).filter((name) => name.endsWith('.jsonl'));
const records = await Promise.all(
	names.map(async (name) => ({ name, record: readRecord(await readFile(join(RECORDS, name), 'utf8')) })),
);

let server: ArchiveServer;
let archive: OpenedArchive;

test.before(async () => {
	server = await startLocalArchive();
	archive = await openEndpoint(server.endpoint, LOCAL_STREAM, localSigner);
	await archive.createScratch();
});

test.after.always(() => {
	server.close();
	server.closeAllConnections();
});

for (const { name, record } of records) {
	for (const { number, text } of guesses) {
		const expected = record.probes.filter(({ guess }) => guess === number);
		if (expected.length === 0) continue;
		// The local archive makes images with ffmpeg.
		const isOfImages = expected.some(({ steps }) =>
			steps.some(({ request }) => request.path === '/getImages'),
		);
		const declare = isOfImages ? withFfmpeg : testWith();
		declare(`${name}: ${number}. ${text}`, async (t) => {
			const probes = expected.map((probe) => ({
				...probe,
				steps: probe.steps.map(({ request }) => request),
			}));
			const got = recordOf('a local archive', await runProbes(probes, archive));
			const isOwn = record.of === 'a local archive';
			// Of the service's responses clients are to rely on everything but the wording.
			const differences = compareRecords({ ...record, probes: expected }, got).filter(
				({ isWording }) => isOwn || !isWording,
			);
			t.is(differenceTable(differences, probes.length), `no differences in ${probes.length} probes\n`);
		});
	}
}
