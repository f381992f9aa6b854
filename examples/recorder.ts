// Shows how to:
// 1. record a stream into finished files, each frame in exactly one, across restarts
// 2. act on each file when it is finished
// 3. stop: the open file is finished, and the next run goes on after it
// 4. check what was recorded
//
// Run: npm run check && node build/examples/recorder.js [directory]
import { KvsArchive, verifyRecordings } from 'kvs-archive';
import { clipStart, openExampleArchive } from './local-archive.js';

const [, , directory = 'recordings'] = process.argv;
const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());

// A recorder has no end; this one records the clip, or for a minute.
const until = local.clipFile === null ? Date.now() + 60_000 : clipStart.getTime() + 60_000;
try {
	await archive.record(directory, {
		from: local.clipFile === null ? 'now' : 'earliest',
		until,
		split: { everyMs: 5000 },
		signal: stop.signal,
		// Nothing of it changes any more: it may be uploaded now.
		onRecording: ({ file, durationMs, sha256 }) =>
			console.log(`${file}: ${(durationMs / 1000).toFixed(1)} s, ${sha256.slice(0, 8)}…`),
	});
} catch (error) {
	if (!stop.signal.aborted) throw error;
}

const { recordings, fragments, damage } = await verifyRecordings(directory);
console.log(`${recordings} files, ${fragments} fragments, ${damage.length} damaged`);
await archive.close();
await local.close();
