// Shows how to:
// 1. decode two pictures a second of a stream while it grows, as each of its fragments comes
// 2. say when something begins to move, and when it has stopped
// 3. go on over what cannot be decoded, and end with a signal
//
// Needs ffmpeg. Run: npm run check && node build/examples/motion-alarm.js
import { pipeline } from 'node:stream/promises';
import { ArchiveError, type FollowEvent, KvsArchive, type Picture, PictureDecoder } from 'kvs-archive';
import { openExampleArchive } from './local-archive.js';
import { motionBetween } from './motion-between.js';

/** Mean change of brightness in half a second from which on something moves. The clip's picture changes all the time, by about 9. */
const THRESHOLD = 12;

/** The clip's. A camera has no last fragment: without this the alarm runs until it is stopped. */
const FRAGMENTS = 8;

const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());

// A camera, where there is none: the clip, put into the stream as if it were recorded now.
const from = new Date();
const camera = local.clipFile === null ? null : archive.feed(local.clipFile);
const feeding = (async () => {
	for await (const ack of camera ?? []) if (ack.eventType === 'ERROR') console.error(ack.errorCode);
})();

try {
	await pipeline(
		archive.follow({ from, via: 'live', signal: stopped.signal }),
		untilClipEnds,
		new PictureDecoder({
			select: { everyMs: 500 },
			format: 'nv12',
			onFailure: ({ frame, message }) => console.error(`${frame.timestamp?.toISOString()}: ${message}`),
		}),
		watch,
	);
} catch (error) {
	const isWithoutDecoder = error instanceof ArchiveError && error.code === 'KVS_FFMPEG_NOT_FOUND';
	if (!isWithoutDecoder && !stopped.signal.aborted) throw error;
	if (isWithoutDecoder) console.log(error.message);
}

await feeding;
await archive.close();
await local.close();

/** Lets everything pass up to the clip's last fragment. */
async function* untilClipEnds(events: AsyncIterable<FollowEvent>): AsyncGenerator<FollowEvent> {
	let count = 0;
	for await (const event of events) {
		yield event;
		if (event.type === 'fragment-end' && ++count === FRAGMENTS && camera !== null) return;
	}
}

/** Prints a line where something begins to move, and one where it has stopped. */
async function watch(pictures: AsyncIterable<Picture>): Promise<void> {
	let before: Picture | null = null;
	let isMoving = false;
	let count = 0;
	for await (const picture of pictures) {
		count++;
		const motion = before === null ? 0 : motionBetween(before, picture);
		before = picture;
		if (motion >= THRESHOLD === isMoving) continue;
		isMoving = !isMoving;
		const { timestamp, fragmentNumber } = picture;
		console.log(
			JSON.stringify({
				motion: isMoving ? 'begins' : 'ends',
				at: timestamp,
				change: Number(motion.toFixed(3)),
				fragmentNumber,
			}),
		);
	}
	console.log(JSON.stringify({ pictures: count }));
}
