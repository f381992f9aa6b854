// Shows how to:
// 1. decode 16 pictures, evenly over a time range, gray and of the size that the model wants, each with its exact time
// 2. take them in batches: arrays of [N, height, width, channels], ready for onnxruntime, tfjs or the like
// 3. run a model over them: tesseract's, which reads the clock that the camera burns into its pictures
// 4. write what was read as JSON Lines, and how far it is from the time of the picture
//
// Needs ffmpeg. The model's weights are in a package from npm. Run: npm run check && node build/examples/frames-for-a-model.js
import { fileURLToPath } from 'node:url';
import { ArchiveError, batchPictures, KvsArchive } from 'kvs-archive';
import { createWorker, OEM, PSM } from 'tesseract.js';
import { clipStart, openExampleArchive } from './local-archive.js';

/** Where the clock stands in the pictures, in pixels of the enlarged ones: another camera has it elsewhere. */
const CLOCK = { left: 3, top: 3, width: 153, height: 23 };

/** The model reads larger letters better than those of the camera, whose pictures are 320x240. */
const SIZE = { width: 480, height: 360 };

const langPath = fileURLToPath(
	new URL('4.0.0_best_int', import.meta.resolve('@tesseract.js-data/eng/package.json')),
);
const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });
const model = await createWorker('eng', OEM.LSTM_ONLY, { langPath, cacheMethod: 'none' });
await model.setParameters({
	tessedit_pageseg_mode: PSM.SINGLE_LINE,
	tessedit_char_whitelist: '0123456789:.',
});

try {
	const range = { from: clipStart, to: new Date(clipStart.getTime() + 60_000), by: 'producer' };
	const pictures = archive.pictures(range, { select: { count: 16 }, format: 'gray', size: SIZE });
	for await (const { data, shape, times, pictures: batched } of batchPictures(pictures, { size: 8 })) {
		const [count, height, width] = shape;
		console.log(JSON.stringify({ pictures: count, shape }));
		for (const [index, timestampMs] of times.entries()) {
			if (timestampMs === null) continue;
			const samples = data.subarray(index * height * width, (index + 1) * height * width);
			// Tesseract takes files: of gray samples that is PGM, a line before them.
			const image = Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), samples]);
			const { data: read } = await model.recognize(image, { rectangle: CLOCK });
			const clock = read.text.trim();
			const offMs = msOf(clock) - (timestampMs - clipStart.getTime());
			console.log(
				JSON.stringify({
					at: new Date(timestampMs).toISOString(),
					clock,
					offMs: Number.isNaN(offMs) ? null : Math.round(offMs),
					fragmentNumber: batched[index]?.fragmentNumber,
				}),
			);
		}
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
