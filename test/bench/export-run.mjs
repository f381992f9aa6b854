/*
 * node export-run.mjs PROGRAM ENDPOINT OPTIONS: reads a range of the stream `camera` with one program and prints how long
 * that took, the peak memory of this process, and what the program says of its run, as JSON.
 */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { GetDataEndpointCommand, KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import {
	GetMediaForFragmentListCommand,
	KinesisVideoArchivedMediaClient,
	paginateListFragments,
} from '@aws-sdk/client-kinesis-video-archived-media';
import { KvsArchive } from 'kvs-archive';

const [program, endpoint, json] = process.argv.slice(2);
const options = JSON.parse(json);
const range = { ...options.range, from: new Date(options.range.from), to: new Date(options.range.to) };

/** What is alive in memory now, in MiB. How far a heap grows before it is cleared says little of what is held. */
function heldHere() {
	globalThis.gc();
	return process.memoryUsage().heapUsed / 1024 / 1024;
}

async function withArchive(settings, use) {
	const archive = new KvsArchive({ streamName: 'camera', endpoint, ...settings });
	try {
		return await use(archive);
	} finally {
		await archive.close();
	}
}

const programs = {
	/** One file that plays. */
	async export() {
		return withArchive({}, (archive) => archive.export(range, options.file));
	},
	/** What users write: list all of it, ask for 100 at a time, append what comes to a file. */
	async script() {
		const settings = { region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
		const control = new KinesisVideoClient({ ...settings, endpoint });
		const clientOf = async (APIName) => {
			const command = new GetDataEndpointCommand({ StreamName: 'camera', APIName });
			const { DataEndpoint } = await control.send(command);
			return new KinesisVideoArchivedMediaClient({ ...settings, endpoint: DataEndpoint });
		};
		const FragmentSelector = {
			FragmentSelectorType: 'PRODUCER_TIMESTAMP',
			TimestampRange: { StartTimestamp: range.from, EndTimestamp: range.to },
		};
		const fragments = [];
		const paginator = { client: await clientOf('LIST_FRAGMENTS'), pageSize: 1000 };
		for await (const page of paginateListFragments(paginator, { StreamName: 'camera', FragmentSelector })) {
			fragments.push(...page.Fragments);
		}
		fragments.sort((a, b) => a.ProducerTimestamp - b.ProducerTimestamp);
		const client = await clientOf('GET_MEDIA_FOR_FRAGMENT_LIST');
		async function* media() {
			for (let first = 0; first < fragments.length; first += 100) {
				const Fragments = fragments.slice(first, first + 100).map(({ FragmentNumber }) => FragmentNumber);
				const command = new GetMediaForFragmentListCommand({ StreamName: 'camera', Fragments });
				yield* (await client.send(command)).Payload;
			}
		}
		await pipeline(media, createWriteStream(options.file));
		return { fragments: fragments.length };
	},
	/** Every fragment's name, and none of the media. */
	async list() {
		return withArchive({ quotas: { metadataPointsPerSecond: 1_000_000 } }, async (archive) => {
			let fragments = 0;
			let last = '';
			let isSorted = true;
			const heldMib = [];
			for await (const { fragmentNumber } of archive.fragments(range)) {
				fragments++;
				isSorted &&= fragmentNumber > last;
				last = fragmentNumber;
				if (fragments % 100_000 === 0) heldMib.push(heldHere());
			}
			return { fragments, isSorted, heldMib };
		});
	},
};

const startMs = performance.now();
const summary = await programs[program]();
const seconds = (performance.now() - startMs) / 1000;
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
process.stdout.write(JSON.stringify({ seconds, cpuSeconds, peakMib: maxRSS / 1024, summary }));
