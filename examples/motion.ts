// Shows how to:
// 1. decode two pictures a second of a time range, each with its exact time and the fragment it came from
// 2. measure something on the raw pixels: how much moves from one picture to the next
// 3. write what was found as JSON Lines
//
// Needs ffmpeg. Run: npm run check && node build/examples/motion.js
import { ArchiveError, KvsArchive, type Picture } from 'kvs-archive';
import { clipStart, openExampleArchive } from './local-archive.js';
import { motionBetween } from './motion-between.js';

const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });
const range = { from: clipStart, to: new Date(clipStart.getTime() + 60_000), by: 'producer' };

try {
	let before: Picture | null = null;
	const pictures = archive.pictures(range, { select: { everyMs: 500 }, format: 'nv12' });
	for await (const picture of pictures) {
		if (before !== null && picture.timestampMs !== null) {
			const { fragmentNumber, timestampMs } = picture;
			const motion = Number(motionBetween(before, picture).toFixed(3));
			console.log(JSON.stringify({ at: new Date(timestampMs).toISOString(), motion, fragmentNumber }));
		}
		before = picture;
	}
	const { delivered, fragments, pictureFailures } = await pictures.summary;
	console.log(JSON.stringify({ fragments, delivered, pictureFailures }));
} catch (error) {
	if (!(error instanceof ArchiveError) || error.code !== 'KVS_FFMPEG_NOT_FOUND') throw error;
	console.log(error.message);
}

await archive.close();
await local.close();
