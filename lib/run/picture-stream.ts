import { pipeline, type Readable } from 'node:stream';
import type { RunSummary } from '../model/run-summary.js';
import type { Picture } from '../pictures/picture.js';
import type { PictureDecoder } from '../pictures/picture-decoder.js';
import { destroyOnAbort } from '../stream/abort.js';
import type { EventStream } from './event-stream.js';

/** What became of a run that decoded. */
export interface PictureSummary extends RunSummary {
	/** Chosen frames that gave no picture. */
	readonly pictureFailures: number;
}

/** The pictures of a run. Leaving the loop early is a normal end and closes everything behind it, the decoder too. */
export interface PictureStream extends Readable {
	[Symbol.asyncIterator](): NodeJS.AsyncIterator<Picture>;
	/** What became of the run. Resolves when it is over, however it ended; never rejects. */
	readonly summary: Promise<PictureSummary>;
}

/** Joins the frames of a run to their decoder. `signal` ends that too where the frames have all been read. */
export function pictureStream(
	frames: EventStream,
	decoder: PictureDecoder,
	countFailures: () => number,
	signal?: AbortSignal,
): PictureStream {
	if (signal !== undefined) destroyOnAbort(decoder, signal);
	const closed = new Promise<void>((resolve) => {
		decoder.once('close', () => resolve());
	});
	// The outcome reaches the caller through the decoder, which the pipeline destroys with the error.
	pipeline(frames, decoder, () => {});
	const summary = Promise.all([frames.summary, closed]).then(([run]) => ({
		...run,
		pictureFailures: countFailures(),
	}));
	return Object.assign(decoder, { summary }) as unknown as PictureStream;
}
