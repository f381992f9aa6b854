// Shows how to:
// 1. read a stream while it grows: every fragment as it comes, over as many connections as that takes
// 2. say how late it is read
// 3. end it, by leaving the loop or by a signal
//
// Run: npm run check && node build/examples/read-live.js
import { KvsArchive } from 'kvs-archive';
import { openExampleArchive } from './local-archive.js';

const FRAGMENTS = 5;
const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });

// A camera, where there is none: the clip, put into the stream as if it were recorded now.
const from = new Date();
const camera = local.clipFile === null ? null : archive.feed(local.clipFile);
const feeding = (async () => {
	for await (const ack of camera ?? []) if (ack.eventType === 'ERROR') console.error(ack.errorCode);
})();

// Without `break` or the signal it has no end: it waits for what is yet to come.
const stream = archive.live({ from, signal: AbortSignal.timeout(60_000) });
let count = 0;
for await (const event of stream) {
	if (event.type === 'fragment-failure') console.log(`${event.fragmentNumber}: ${event.message}`);
	if (event.type !== 'fragment-end') continue;
	const behindMs = Number(event.tag('AWS_KINESISVIDEO_MILLIS_BEHIND_NOW'));
	console.log(`${event.frames} frames, ${event.bytes} bytes, ${(behindMs / 1000).toFixed(1)} s behind now`);
	if (++count === FRAGMENTS) break;
}
const { delivered, isComplete } = await stream.summary;
console.log(`${delivered} fragments, ${isComplete ? 'none' : 'some'} failed`);

await feeding;
await archive.close();
await local.close();
