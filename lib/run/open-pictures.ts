import type { Fragment } from '../model/fragment.js';
import type { Frame, MediaEvent, RunEvent } from '../model/media-event.js';
import { type ResolvedTimeRange, resolveTimeRange, type TimeRange } from '../model/time-range.js';
import type { Clock } from '../pace/clock.js';
import { FfmpegDecoder } from '../pictures/ffmpeg-decoder.js';
import {
	type OptionOfRange,
	PictureDecoder,
	type PictureDecoderOptions,
} from '../pictures/picture-decoder.js';
import {
	type CountSelection,
	type PictureSelection,
	resolvePictureSelection,
} from '../pictures/picture-selection.js';
import type { DecodeFailure } from '../pictures/track-decoder.js';
import { EvenFragments } from './even-fragments.js';
import type { EventStream } from './event-stream.js';
import { everyFragments } from './every-fragments.js';
import type { MediaRun } from './open-run.js';
import { type PictureStream, pictureStream } from './picture-stream.js';
import type { RunOptions } from './run-options.js';
import { SkippedFragments } from './skipped-fragments.js';

/** What {@link openPictures} takes of the options of a run. */
export type PictureRunOptions = Omit<PictureDecoderOptions, OptionOfRange> &
	PictureResumption &
	Pick<RunOptions, 'padStart' | 'where' | 'signal'>;

/** What a run of pictures that another one goes on from needs besides, and that other one. */
export type PictureResumption = Pick<PictureDecoderOptions, 'startAt' | 'onKeyFrame'>;

/** How the run is opened whose frames are decoded. */
export type FramesRun = Pick<MediaRun<MediaEvent>, 'pick' | 'wanted'> & { readonly padStart: boolean };

/** What {@link openPictures} reads the range with. */
export interface PictureSource {
	readonly clock: Clock;
	/** Opens the run: of those video tracks alone that are wanted, from the key frame on that is needed. */
	readonly openFrames: (run: FramesRun) => EventStream;
	/** Lists the fragments of that run. */
	readonly list: (padStart: boolean, signal: AbortSignal) => AsyncIterable<Fragment[]>;
}

/** The decoded pictures of a range. With `select: { count }` it is listed twice: how much is stored is known before the first picture. */
export function openPictures(
	range: TimeRange,
	{ padStart = true, where, signal, ...options }: PictureRunOptions,
	{ clock, openFrames, list }: PictureSource,
): PictureStream {
	const resolved = resolveTimeRange(range);
	const { fromMs, by } = resolved;
	const { select = 'all' } = options;
	const even = evenFragments(select, resolved, padStart, list);
	const every = everyFragments({ select, where, padStart }, resolved);
	// What the tags of a fragment say is not listed.
	const wanted = even === null || where !== undefined ? every && (async () => every) : even.wanted.bind(even);
	const skipped = new SkippedFragments();
	const timeOf = (frame: Frame): number | null =>
		by === 'server' ? frame.serverTimestampMs : frame.timestampMs;
	let pictureFailures = 0;
	const pictures = new PictureDecoder({
		select,
		format: options.format,
		size: options.size,
		fit: options.fit,
		quality: options.quality,
		decoders: options.decoders,
		maxBufferedBytes: options.maxBufferedBytes,
		startAt: options.startAt,
		onKeyFrame: options.onKeyFrame,
		decoder: options.decoder ?? new FfmpegDecoder({ clock }),
		// What lies before is there to be decoded from only.
		offsetMs: (frame) => (timeOf(frame) ?? 0) - (frame.timestampMs ?? 0),
		isInRange: (frame) => !padStart || (timeOf(frame) ?? fromMs) >= fromMs,
		onFailure: (failure: DecodeFailure) => {
			pictureFailures++;
			options.onFailure?.(failure);
		},
		isAfterSkip: skipped.isAfterSkip.bind(skipped),
		...(even !== null && { stored: even.stored.bind(even) }),
	});
	if (even !== null) pictures.once('close', () => even.close());
	const onAfterSkip = skipped.onAfterSkip.bind(skipped);
	const frames = openFrames({
		padStart,
		pick: pickVideo,
		wanted: wanted === null ? null : { wanted, onAfterSkip },
	});
	return pictureStream(frames, pictures, () => pictureFailures, signal);
}

function evenFragments(
	select: PictureSelection,
	range: ResolvedTimeRange,
	padStart: boolean,
	list: PictureSource['list'],
): EvenFragments | null {
	const { count = null } = resolvePictureSelection(select) as Partial<CountSelection>;
	if (count === null) return null;
	return new EvenFragments({ count, range, padStart, list: (signal) => list(padStart, signal) });
}

function pickVideo(events: readonly RunEvent[]): MediaEvent[] {
	return events.filter(isForVideo) as MediaEvent[];
}

function isForVideo(event: RunEvent): boolean {
	const { type } = event;
	return type === 'frame' ? event.track.type === 'video' : type === 'fragment' || type === 'fragment-failure';
}
