import { pipeline, type Readable } from 'node:stream';
import type { RunSummary } from '../model/run-summary.js';
import type { Picture } from '../pictures/picture.js';
import type { PictureDecoder } from '../pictures/picture-decoder.js';
import { destroyOnAbort } from '../stream/abort.js';
import type { EventStream } from './event-stream.js';

/** The result of a run that decoded. */
export interface PictureSummary extends RunSummary {
	/** Selected frames that could not be decoded. */
	readonly pictureFailures: number;
}

/** The pictures of a run. Leaving the loop early is a normal end and closes everything upstream, the decoder too. */
export interface PictureStream extends Readable {
	[Symbol.asyncIterator](): NodeJS.AsyncIterator<Picture>;
	/** The result of the run. Resolves when it has ended, also with an error; never rejects. */
	readonly summary: Promise<PictureSummary>;
}

/** Joins the frames of a run to their decoder. `signal` ends the decoder too after all frames have been read. */
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
