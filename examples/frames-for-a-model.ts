// Shows how to:
// 1. read encoded frames of a time range, two pictures a second, with their exact times
// 2. hand them on in batches, as a model wants them
// 3. keep few frames of many without keeping all the bytes that came with them
//
// Run: npm run check && node build/examples/frames-for-a-model.js
import { type Frame, KvsArchive } from 'kvs-archive';
import { clipStart, openExampleArchive } from './local-archive.js';

/** A picture for a model: its access unit, and when it was taken. */
interface Sample {
	readonly takenAt: string;
	readonly fragmentNumber: string | null;
	readonly keyframe: boolean;
	readonly data: Uint8Array;
}

const BATCH_SIZE = 8;
const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });
const range = { from: clipStart, to: new Date(clipStart.getTime() + 60_000), by: 'producer' };

// A frame's data is a view of the chunk it came in; a copy lets go of the rest of it.
const toSample = (frame: Frame): Sample => ({
	takenAt: frame.timestamp?.toISOString() ?? 'unknown',
	fragmentNumber: frame.fragmentNumber,
	keyframe: frame.keyframe,
	data: Uint8Array.from(frame.data),
});

let batch: Sample[] = [];
const stream = archive.frames(range, { select: { everyMs: 500 } });
for await (const frame of stream) {
	if (frame.track.type !== 'video') continue;
	batch.push(toSample(frame));
	if (batch.length === BATCH_SIZE) {
		infer(batch);
		batch = [];
	}
}
if (batch.length > 0) infer(batch);

// Failures do not show between frames; the summary knows them.
const { frames, failed, missing } = await stream.summary;
console.log(`${frames} frames read, ${failed + missing} fragments unavailable`);
await archive.close();
await local.close();

/** Stands for the model. */
function infer(samples: readonly Sample[]): void {
	const bytes = samples.reduce((sum, { data }) => sum + data.byteLength, 0);
	console.log(
		`${samples[0]?.takenAt} to ${samples.at(-1)?.takenAt}: ${samples.length} pictures, ${bytes} bytes`,
	);
}
