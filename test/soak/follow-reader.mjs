/* node --expose-gc follow-reader.mjs ENDPOINT VIA CHECKPOINT: the follower of the soak of length. Tells its parent what it has used, and its lag since it was last asked. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FileCheckpoints, KvsArchive } from 'kvs-archive';

const [endpoint, via, checkpoint] = process.argv.slice(2);
/** What is open varies by the moment, with timers above all: the least of so many moments is what stays open. */
const SAMPLES = 40;
const SAMPLE_MS = 50;
let ended = 0;
let lagsMs = [];

process.on('message', () => void report());
process.on('disconnect', () => process.exit());

async function report() {
	let resources = null;
	for (let sample = 0; sample < SAMPLES; sample++) {
		await sleep(SAMPLE_MS);
		const open = process.getActiveResourcesInfo();
		if (resources === null || open.length < resources.length) resources = open;
	}
	globalThis.gc();
	const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
	const sent = lagsMs;
	lagsMs = [];
	process.send({ ended, usedBytes: heapUsed + arrayBuffers, rss, resources, lagsMs: sent });
}

const archive = new KvsArchive({ streamName: 'cam', endpoint });
process.send('ready');
for await (const event of archive.follow({
	from: 'earliest',
	via,
	checkpoint: new FileCheckpoints(checkpoint),
})) {
	if (event.type !== 'fragment-end' || !event.complete) continue;
	ended++;
	lagsMs.push(Date.now() - event.serverTimestamp.getTime());
}
