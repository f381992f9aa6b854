import { isEmptyFrame } from '../codecs/decide-track-media.js';
import { InvalidOptionError } from '../errors.js';
import type { StoredTime } from '../gaps/stored-time.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { FragmentEvent, Frame, MediaEvent } from '../model/media-event.js';
import { unlessAborted } from '../stream/abort.js';
import { Stage } from '../stream/stage.js';
import { FfmpegDecoder } from './ffmpeg-decoder.js';
import type { FrameDecoder } from './frame-decoder.js';
import type { Picture } from './picture.js';
import { checkPictureOutput, type PictureOutput } from './picture-output.js';
import { type PictureSelection, resolvePictureSelection, type SceneSelection } from './picture-selection.js';
import { PictureSelector, type SelectionState } from './picture-selector.js';
import { DecodingPool } from './scheduling/decoding-pool.js';
import { type DecodeFailure, TrackDecoder, type TrackDecoderOptions } from './track-decoder.js';

/** Options of {@link PictureDecoder}. */
export interface PictureDecoderOptions extends Partial<Omit<PictureOutput, 'format'>> {
	/** Applied before anything is decoded; counts in presentation order, each track by itself. @default 'all' */
	readonly select?: PictureSelection | undefined;
	/**
	 * With `select: { at }` and `{ count }`: from a frame's producer time to the clock of the times, in milliseconds. @default 0, the
	 * producer's
	 */
	readonly offsetMs?: ((frame: Frame) => number) | undefined;
	/** @default 'jpg' */
	readonly format?: PictureOutput['format'] | undefined;
	/** @default an {@link FfmpegDecoder} that finds ffmpeg in the PATH */
	readonly decoder?: FrameDecoder | undefined;
	/** Frames of which no picture is wanted, but which others may refer to, are out of range. @default all are in */
	readonly isInRange?: ((frame: Frame) => boolean) | undefined;
	/** With `select: { count }`, and needed there: what is stored, on the clock of the times. Called once, at the first frame. */
	readonly stored?: (() => Promise<StoredTime>) | undefined;
	/** Whether fragments were left out before one, so that its frames up to its first key frame cannot be decoded. @default none were */
	readonly isAfterSkip?: ((fragment: FragmentEvent) => boolean) | undefined;
	/**
	 * How many runs of the decoder may be at work side by side, on groups of pictures that do not need each other; each video
	 * track has one in any case. Pictures, failures and their order are the same for any number. @default the number of cores
	 */
	readonly decoders?: number | undefined;
	/**
	 * What encoded frames and pictures that wait for their turn may take of the memory, in bytes. With less than a few
	 * pictures the decoders work by turns. @default 128 MiB
	 */
	readonly maxBufferedBytes?: number | undefined;
	/** Where to begin on a track, by its number: frames before are left out. @default at the first key frame */
	readonly startAt?: ReadonlyMap<number, PictureStart> | undefined;
	/**
	 * Called with each key frame before it is decoded, and with what `startAt` needs to begin there, in plain JSON; undefined where
	 * that would not give the same pictures: in open groups, and with `count` and `scene`.
	 */
	readonly onKeyFrame?: ((key: Frame, state: unknown) => void) | undefined;
	/** Called for every wanted frame that gave no picture. It is skipped. */
	readonly onFailure?: ((failure: DecodeFailure) => void) | undefined;
}

const OPTION_NAMES: OptionNames<PictureDecoderOptions> = {
	format: true,
	size: true,
	fit: true,
	quality: true,
	select: true,
	offsetMs: true,
	decoder: true,
	isInRange: true,
	stored: true,
	isAfterSkip: true,
	decoders: true,
	maxBufferedBytes: true,
	startAt: true,
	onKeyFrame: true,
	onFailure: true,
};

/** A key frame at which decoding begins. */
export interface PictureStart {
	readonly fragmentNumber: string | null;
	/** As text, in nanoseconds. */
	readonly timecodeNs: string;
	/** As `onKeyFrame` was given it. */
	readonly state: unknown;
}

/** The options that a range gives. */
export type OptionOfRange = 'offsetMs' | 'isInRange' | 'stored' | 'isAfterSkip' | 'startAt' | 'onKeyFrame';

/** One video track: what is selected of it, and the decoder at work. */
interface PictureTrack {
	readonly selector: PictureSelector;
	readonly decoder: TrackDecoder;
	/** What it waits for to begin. */
	start: PictureStart | null;
}

/**
 * Events in, {@link Picture}s out: the pictures of the video tracks, each track in presentation order, with the exact times
 * of their frames. Holds a group of pictures of each track, and `maxBufferedBytes`.
 *
 * Frames that cannot be decoded are reported to `onFailure` and skipped; empty frames are left out. Of other events, a
 * `fragment-failure` says that frames are missing; the rest are ignored. Ending, an error and `destroy` leave no decoder running.
 */
export class PictureDecoder extends Stage<MediaEvent, Picture> {
	readonly #select: PictureSelection;
	readonly #offsetMs: ((frame: Frame) => number) | undefined;
	readonly #isInRange: ((frame: Frame) => boolean) | undefined;
	readonly #isAfterSkip: (fragment: FragmentEvent) => boolean;
	readonly #findStored: (() => Promise<StoredTime>) | null;
	#stored: StoredTime | undefined;
	readonly #decoding: TrackDecoderOptions;
	readonly #startAt: PictureDecoderOptions['startAt'];
	readonly #onKeyFrame: PictureDecoderOptions['onKeyFrame'];
	readonly #tracks = new Map<number, PictureTrack>();

	constructor(options: PictureDecoderOptions = {}) {
		super({ readableHighWaterMark: 2 });
		checkOptionNames(options, OPTION_NAMES);
		const { select = 'all', stored = null, isAfterSkip = () => false } = options;
		const resolved = resolvePictureSelection(select);
		const isCount = 'count' in resolved;
		if (isCount && stored === null) {
			throw new InvalidOptionError('stored', 'given with `select: { count }`', stored);
		}
		this.#select = select;
		this.#findStored = isCount ? stored : null;
		this.#isInRange = options.isInRange;
		this.#isAfterSkip = isAfterSkip;
		this.#offsetMs = options.offsetMs;
		this.#startAt = options.startAt;
		this.#onKeyFrame = options.onKeyFrame;
		this.#decoding = 'scene' in resolved ? sceneDecodingOf(options, resolved) : decodingOf(options);
	}

	protected override async *process(event: MediaEvent): AsyncGenerator<Picture[]> {
		if (event.type === 'fragment' && this.#isAfterSkip(event)) {
			for (const { selector } of this.#tracks.values()) selector.restart();
		}
		if (event.type === 'fragment-failure') {
			for (const { selector } of this.#tracks.values()) selector.skip();
		}
		if (event.type !== 'frame' || event.track.type !== 'video' || isEmptyFrame(event)) return;
		if (this.#findStored !== null) this.#stored ??= await unlessAborted(this.#findStored(), this.signal);
		const { number } = event.track;
		const track = this.#tracks.get(number) ?? this.#newTrack(number);
		this.#tracks.set(number, track);
		if (track.start !== null && !isAt(track.start, event)) return;
		track.start = null;
		const taken = track.selector.frame(event);
		if (event.keyframe) this.#onKeyFrame?.(event, track.selector.stateAt(event));
		for (const selected of taken) yield* track.decoder.decode(selected);
		yield* track.decoder.ready();
	}

	protected override async *finish(): AsyncGenerator<Picture[]> {
		for (const { selector, decoder } of this.#tracks.values()) {
			for (const selected of selector.end()) yield* decoder.decode(selected);
			yield* decoder.finish();
		}
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		// First: a generator that waits for a decoder goes on when that is gone, and can be closed then.
		const closed = Promise.all([...this.#tracks.values()].map(({ decoder }) => decoder.close()));
		super._destroy(error, (destroyError) => {
			closed.then(
				() => callback(destroyError),
				(closeError: Error) => callback(destroyError ?? closeError),
			);
		});
	}

	#newTrack(number: number): PictureTrack {
		const start = this.#startAt?.get(number) ?? null;
		const selector = new PictureSelector({
			past: start?.state as SelectionState | undefined,
			select: this.#select,
			isInRange: this.#isInRange,
			offsetMs: this.#offsetMs,
			stored: this.#stored,
		});
		const points = selector.takePoints.bind(selector);
		return { selector, decoder: new TrackDecoder({ ...this.#decoding, points }), start };
	}
}

/** How pictures are decoded. Throws `InvalidOptionError` for a `format`, `size`, `fit` or `quality` that is not valid. */
export function decodingOf({
	format = 'jpg',
	size,
	fit,
	quality,
	decoder = new FfmpegDecoder(),
	onFailure,
	...pool
}: Omit<PictureDecoderOptions, 'select' | OptionOfRange>): TrackDecoderOptions {
	const output = { format, size, fit, quality };
	checkPictureOutput(output);
	return { decoder, output, onFailure, pool: new DecodingPool(pool) };
}

function isAt({ fragmentNumber, timecodeNs }: PictureStart, frame: Frame): boolean {
	return frame.keyframe && frame.fragmentNumber === fragmentNumber && String(frame.timecodeNs) === timecodeNs;
}

/** How pictures are decoded of which those are wanted that change the scene: each is compared with the one before it. */
function sceneDecodingOf(options: PictureDecoderOptions, { scene }: SceneSelection): TrackDecoderOptions {
	const { decoder, output, onFailure } = decodingOf(options);
	if (decoder.choosesScenes !== true) {
		throw new InvalidOptionError('decoder', 'one that `choosesScenes`, with `select: { scene }`', decoder);
	}
	const { maxBufferedBytes } = options;
	return {
		decoder,
		onFailure,
		output: { ...output, scene },
		pool: new DecodingPool({ decoders: 1, maxBufferedBytes }),
	};
}
