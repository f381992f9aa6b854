/*
 * npm run bench:follow [-- --fragments N]: how long after PERSISTED, as the producer gets it, a follower's first event of the fragment
 * comes, by listing and through GetMedia. Two followers read one stream at the same time, in the process of the producer.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KvsArchive } from 'kvs-archive';
import { bodyHeader, endOfFragment, mediaCluster } from '../soak/producer-media.mjs';
import { scratch } from './recording.mjs';

const { values } = parseArgs({ options: { fragments: { type: 'string', default: '100' } } });
const fragments = Number(values.fragments);
const FRAGMENT_BYTES = 50_000;
/** Apart by no multiple of the poll interval, so that every phase of it is met. */
const EVERY_MS = 870;
const POLL_INTERVAL_MS = 1000;
const MAX_OWN_MS = 200;
const say = (line) => process.stdout.write(`${line}\n`);
const now = () => performance.timeOrigin + performance.now();

function quantile(list, part) {
	const sorted = list.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

const server = fork(
	fileURLToPath(new URL('ingest-server.mjs', import.meta.url)),
	['archive', scratch(), 'cam'],
	{
		execArgv: ['--expose-gc'],
	},
);
const [{ port }] = await once(server, 'message');
const endpoint = `http://127.0.0.1:${port}`;

/** When each fragment was PERSISTED, and when each follower had its first event, by its number. */
const persisted = new Map();
const came = { listing: new Map(), live: new Map() };
const over = new AbortController();

async function* media() {
	yield bodyHeader;
	const beganMs = now();
	for (let index = 0; index < fragments; index++) {
		await sleep(Math.max(0, beganMs + index * EVERY_MS - now()));
		yield Buffer.concat([
			mediaCluster(Math.round(beganMs + index * EVERY_MS), FRAGMENT_BYTES),
			endOfFragment,
		]);
	}
}

async function follow(via) {
	const archive = new KvsArchive({ streamName: 'cam', endpoint });
	try {
		for await (const event of archive.follow({ via, signal: over.signal })) {
			if (event.type === 'fragment') came[via].set(event.fragmentNumber, now());
		}
	} catch (error) {
		if (!over.signal.aborted) throw error;
	} finally {
		await archive.close();
	}
}

const followers = Object.keys(came).map(follow);
// They begin with what is put in from now on.
await sleep(3000);
const producer = new KvsArchive({ streamName: 'cam', endpoint });
for await (const { eventType, fragmentNumber } of producer.putMedia(media())) {
	if (eventType === 'PERSISTED') persisted.set(fragmentNumber, now());
}
await producer.close();
await sleep(15_000);
over.abort();
await Promise.all(followers);
server.kill();

say(
	`${persisted.size} fragments of ${FRAGMENT_BYTES} B, one each ${EVERY_MS} ms: from PERSISTED to the first event`,
);
for (const [via, times] of Object.entries(came)) {
	const delays = [...persisted].flatMap(([number, ms]) =>
		times.has(number) ? [times.get(number) - ms] : [],
	);
	const [middle, late] = [quantile(delays, 0.5), quantile(delays, 0.95)];
	const target = via === 'listing' ? POLL_INTERVAL_MS + MAX_OWN_MS : MAX_OWN_MS;
	say(
		`${via}: ${delays.length} came, median ${middle.toFixed(0)} ms (target ${target}) ${middle <= target ? 'met' : 'MISSED'}, 95 % within ${late.toFixed(0)} ms, at most ${Math.max(...delays).toFixed(0)} ms`,
	);
}
