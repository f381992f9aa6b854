// Shows how to:
// 1. decode a picture a second of a time range, each with its exact time and the fragment it came from
// 2. run a model over them: tesseract's, which reads the clock that the camera burns into its pictures
// 3. write what was read as JSON Lines, and how far it is from the time of the picture
//
// Needs ffmpeg. The model's weights are in a package from npm. Run: npm run check && node build/examples/read-clock.js
import { fileURLToPath } from 'node:url';
import { ArchiveError, KvsArchive } from 'kvs-archive';
import { createWorker, OEM, PSM } from 'tesseract.js';
import { clipStart, openExampleArchive } from './local-archive.js';

/** Where the clock stands in the clip's pictures, in pixels: another camera has it elsewhere. */
const CLOCK = { left: 2, top: 2, width: 102, height: 15 };

const langPath = fileURLToPath(
	new URL('4.0.0_best_int', import.meta.resolve('@tesseract.js-data/eng/package.json')),
);
const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });
const model = await createWorker('eng', OEM.LSTM_ONLY, { langPath, cacheMethod: 'none' });
await model.setParameters({ tessedit_pageseg_mode: PSM.SINGLE_LINE });

try {
	const range = { from: clipStart, to: new Date(clipStart.getTime() + 60_000), by: 'producer' };
	const pictures = archive.pictures(range, { select: { everyMs: 1000 }, format: 'png' });
	for await (const { data, timestampMs, fragmentNumber } of pictures) {
		if (timestampMs === null) continue;
		const { data: read } = await model.recognize(Buffer.from(data), { rectangle: CLOCK });
		const clock = read.text.replace(/[^\d:.]/g, '');
		const offMs = msOf(clock) - (timestampMs - clipStart.getTime());
		console.log(
			JSON.stringify({
				at: new Date(timestampMs).toISOString(),
				clock,
				offMs: Number.isNaN(offMs) ? null : Math.round(offMs),
				fragmentNumber,
			}),
		);
	}
	const { delivered, fragments, pictureFailures } = await pictures.summary;
	console.log(JSON.stringify({ fragments, delivered, pictureFailures }));
} catch (error) {
	if (!(error instanceof ArchiveError) || error.code !== 'KVS_FFMPEG_NOT_FOUND') throw error;
	console.log(error.message);
}

await model.terminate();
await archive.close();
await local.close();

/** What `hh:mm:ss.mmm` is in milliseconds; NaN where the model read something else. */
function msOf(clock: string): number {
	const parts = /^(\d\d):(\d\d):(\d\d\.\d\d\d)$/.exec(clock)?.slice(1).map(Number) ?? [];
	return parts.reduce((sum, part) => sum * 60 + part, 0) * (parts.length === 3 ? 1000 : Number.NaN);
}
