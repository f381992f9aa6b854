import type { Frame, MediaEvent, RunEvent } from '../model/media-event.js';
import { resolveTimeRange, type TimeRange } from '../model/time-range.js';
import type { Clock } from '../pace/clock.js';
import { FfmpegDecoder } from '../pictures/ffmpeg-decoder.js';
import { PictureDecoder, type PictureDecoderOptions } from '../pictures/picture-decoder.js';
import type { DecodeFailure } from '../pictures/track-decoder.js';
import type { EventStream } from './event-stream.js';
import { type PictureStream, pictureStream } from './picture-stream.js';
import type { RunOptions } from './run-options.js';

/** What {@link openPictures} takes of the options of a run. */
export type PictureRunOptions = Omit<PictureDecoderOptions, 'offsetMs' | 'isInRange'> &
	Pick<RunOptions, 'padStart' | 'signal'>;

/**
 * The decoded pictures of a range. `openFrames` opens the run whose frames are decoded: of those video tracks alone that are
 * wanted, from the key frame on that is needed, with what `pick` leaves of its events.
 */
export function openPictures(
	range: TimeRange,
	{ padStart = true, signal, ...options }: PictureRunOptions,
	clock: Clock,
	openFrames: (padStart: boolean, pick: (events: readonly RunEvent[]) => MediaEvent[]) => EventStream,
): PictureStream {
	const { fromMs, by } = resolveTimeRange(range);
	const timeOf = (frame: Frame): number | null =>
		by === 'server' ? frame.serverTimestampMs : frame.timestampMs;
	let pictureFailures = 0;
	const pictures = new PictureDecoder({
		...options,
		decoder: options.decoder ?? new FfmpegDecoder({ clock }),
		// What lies before is there to be decoded from only.
		offsetMs: (frame) => (timeOf(frame) ?? 0) - (frame.timestampMs ?? 0),
		isInRange: (frame) => !padStart || (timeOf(frame) ?? fromMs) >= fromMs,
		onFailure: (failure: DecodeFailure) => {
			pictureFailures++;
			options.onFailure?.(failure);
		},
	});
	return pictureStream(openFrames(padStart, pickVideo), pictures, () => pictureFailures, signal);
}

function pickVideo(events: readonly RunEvent[]): MediaEvent[] {
	return events.filter((event) =>
		event.type === 'frame' ? event.track.type === 'video' : event.type === 'fragment-failure',
	) as MediaEvent[];
}
