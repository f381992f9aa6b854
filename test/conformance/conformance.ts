import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { compareRecords, differenceTable, unmatchedProbes } from './compare-records.js';
import { LOCAL_STREAM, localSigner, startLocalArchive } from './local-archive.js';
import { type OpenedArchive, openEndpoint, openService } from './open-archive.js';
import { allProbes } from './probes/all-probes.js';
import { type ConformanceRecord, readRecord, recordOf, recordText } from './record.js';
import { assertRedacted } from './redaction.js';
import { runProbes } from './run-probes.js';

const USAGE = `Sends one script of requests to an archive, and compares what comes with a record.

npm run conformance --                        a local archive of its own
npm run conformance -- --endpoint URL         a local archive that runs; its keys, where it has any, in AWS_ACCESS_KEY_ID and
                                              AWS_SECRET_ACCESS_KEY
npm run conformance -- --aws STREAM           Amazon Kinesis Video Streams, with the credentials and region of the environment

  --stream NAME     the stream at the endpoint (default: the first that it lists)
  --write           also what changes data: on a stream that is made for it, and deleted
  --only NAME       one probe
  --record FILE     writes what came, without anything that identifies the account
  --compare FILE    the record to compare with (default: the one of the local archive)

Exit status: 0 without differences, 1 with differences of behaviour, 2 for an error. See docs/conformance.md.
`;

const { values } = parseArgs({
	options: {
		endpoint: { type: 'string' },
		aws: { type: 'string' },
		stream: { type: 'string' },
		write: { type: 'boolean', default: false },
		only: { type: 'string' },
		record: { type: 'string' },
		compare: { type: 'string', default: 'test/conformance/records/local-archive.jsonl' },
		help: { type: 'boolean', default: false },
	},
});

if (values.help) process.stdout.write(USAGE);
else {
	process.exitCode = await main().catch((error: Error) => {
		process.stderr.write(`${error.message}\n`);
		return 2;
	});
}

async function main(): Promise<number> {
	const { endpoint, aws, stream = null } = values;
	if (endpoint !== undefined && aws !== undefined) throw new Error('expected --endpoint or --aws, got both');
	if (aws !== undefined) return probe(await openService(aws), 'the service');
	if (endpoint !== undefined) {
		const { AWS_ACCESS_KEY_ID: accessKeyId = 'local', AWS_SECRET_ACCESS_KEY: secretAccessKey = 'local' } =
			process.env;
		const signer = { region: 'us-east-1', accessKeyId, secretAccessKey };
		return probe(await openEndpoint(endpoint, stream, signer), 'a local archive');
	}
	const server = await startLocalArchive();
	try {
		return await probe(await openEndpoint(server.endpoint, LOCAL_STREAM, localSigner), 'a local archive');
	} finally {
		server.close();
		server.closeAllConnections();
	}
}

async function probe(archive: OpenedArchive, of: ConformanceRecord['of']): Promise<number> {
	const { write, only, record: file, compare } = values;
	const wanted = allProbes.filter(({ name, writes }) =>
		only === undefined ? write || writes !== true : name === only && (write || writes !== true),
	);
	if (wanted.length === 0)
		throw new Error(`there is no probe \`${only}\`, or it changes data and needs --write`);
	let count = 0;
	const onProbe = (name: string): void => {
		process.stderr.write(`${++count}/${wanted.length} ${name}\n`);
	};
	let record: ConformanceRecord;
	try {
		if (write) await archive.createScratch();
		record = recordOf(of, await runProbes(wanted, archive, onProbe));
	} finally {
		await archive.deleteScratch();
	}
	assertRedacted(record, { ...archive, hosts: [...archive.hosts] });
	if (file !== undefined) await writeFile(file, recordText(record));
	const expected = readRecord(await readFile(compare, 'utf8'));
	const differences = compareRecords(expected, record);
	const unmatched = unmatchedProbes(expected, record);
	process.stdout.write(differenceTable(differences, record.probes.length));
	if (unmatched.length > 0)
		process.stdout.write(`not compared, as only one has them: ${unmatched.join(', ')}\n`);
	return differences.some(({ isWording }) => !isWording) ? 1 : 0;
}
