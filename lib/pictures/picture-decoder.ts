import { forgetsWhatWasBefore, inBandParameterSets } from '../codecs/access-unit.js';
import { InvalidOptionError } from '../errors.js';
import type { FrameSelection } from '../frames/frame-selector.js';
import type { Frame, MediaEvent } from '../model/media-event.js';
import { Stage } from '../stream/stage.js';
import { FfmpegDecoder } from './ffmpeg-decoder.js';
import type { DecodedPicture, DecoderRun, FrameDecoder } from './frame-decoder.js';
import { PICTURE_FORMATS, Picture, type PictureFormat } from './picture.js';
import { PictureSelector, type SelectedFrame } from './picture-selector.js';

/** A frame that gave no picture. */
export interface DecodeFailure {
	readonly frame: Frame;
	/** What the decoder said, in one line. */
	readonly message: string;
}

/** Options of {@link PictureDecoder}. */
export interface PictureDecoderOptions {
	/** Chosen before anything is decoded; counts in presentation order, each track by itself. @default 'all' */
	readonly select?: FrameSelection | undefined;
	/** @default 'jpg' */
	readonly format?: PictureFormat | undefined;
	/** @default an {@link FfmpegDecoder} that finds ffmpeg in the PATH */
	readonly decoder?: FrameDecoder | undefined;
	/** Frames of which no picture is wanted, but which others may refer to, are out of range. @default all are in */
	readonly isInRange?: ((frame: Frame) => boolean) | undefined;
	/** Called for every selected frame that could not be decoded. It is skipped. */
	readonly onFailure?: ((failure: DecodeFailure) => void) | undefined;
}

/** One video track: what is chosen of it, and the decoder at work. */
interface PictureTrack {
	readonly selector: PictureSelector;
	run: DecoderRun | null;
	/** What the run was opened for: a key frame with other parameters needs another. */
	parameters: { track: Frame['track']; sets: Uint8Array } | null;
	/** Frames handed to the run whose pictures are wanted. */
	readonly wanted: Set<Frame>;
}

/**
 * Events in, {@link Picture}s out: the pictures of the video tracks, each track in presentation order, with the exact times
 * of their frames. One decoder runs as long as the parameters stay equal; on a change the one before is emptied first, and
 * at a key frame of an open group of pictures (a recovery point, a CRA) behind frames that were left out or are missing.
 *
 * Frames that cannot be decoded are reported to `onFailure` and skipped. Of other events,
 * failures of fragments tell that frames are missing; the rest have no say. Ending,
 * an error and `destroy` leave no decoder running.
 */
export class PictureDecoder extends Stage<MediaEvent, Picture> {
	readonly #select: FrameSelection;
	readonly #format: PictureFormat;
	readonly #decoder: FrameDecoder;
	readonly #isInRange: (frame: Frame) => boolean;
	readonly #onFailure: ((failure: DecodeFailure) => void) | undefined;
	readonly #tracks = new Map<number, PictureTrack>();

	constructor(options: PictureDecoderOptions = {}) {
		super({ readableHighWaterMark: 2 });
		const { select = 'all', format = 'jpg', decoder, isInRange = () => true, onFailure } = options;
		if (!PICTURE_FORMATS.includes(format)) {
			throw new InvalidOptionError('format', `one of ${PICTURE_FORMATS.join(', ')}`, format);
		}
		this.#select = select;
		this.#format = format;
		this.#decoder = decoder ?? new FfmpegDecoder();
		this.#isInRange = isInRange;
		this.#onFailure = onFailure;
		// Checks `select` at once.
		this.#newTrack();
	}

	protected override async *process(event: MediaEvent): AsyncGenerator<Picture[]> {
		if (event.type === 'fragment-failure') {
			for (const { selector } of this.#tracks.values()) selector.skip();
		}
		if (event.type !== 'frame' || event.track.type !== 'video') return;
		const { number } = event.track;
		const track = this.#tracks.get(number) ?? this.#newTrack();
		this.#tracks.set(number, track);
		for (const selected of track.selector.frame(event)) yield* this.#decode(track, selected);
	}

	protected override async *finish(): AsyncGenerator<Picture[]> {
		for (const track of this.#tracks.values()) {
			for (const selected of track.selector.end()) yield* this.#decode(track, selected);
			yield* this.#finishRun(track);
		}
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		// First: a generator that waits for a decoder goes on when that is gone, and can be closed then.
		const closed = Promise.all([...this.#tracks.values()].map(async ({ run }) => run?.close()));
		super._destroy(error, (destroyError) => {
			closed.then(
				() => callback(destroyError),
				(closeError: Error) => callback(destroyError ?? closeError),
			);
		});
	}

	#newTrack(): PictureTrack {
		const selector = new PictureSelector(this.#select, this.#isInRange);
		return { selector, run: null, parameters: null, wanted: new Set() };
	}

	async *#decode(track: PictureTrack, { frame, isWanted, isNext }: SelectedFrame): AsyncGenerator<Picture[]> {
		if (frame.keyframe && this.#needsRun(track, frame, isNext)) {
			yield* this.#finishRun(track);
			if (this.destroyed) return;
			track.run = this.#decoder.open(frame, this.#format);
		}
		if (track.run === null) return;
		if (isWanted) track.wanted.add(frame);
		yield* this.#pictures(track, track.run.decode(frame));
	}

	/** Whether a key frame has to begin a run. Remembers its parameters. */
	#needsRun(track: PictureTrack, frame: Frame, isNext: boolean): boolean {
		const sets = inBandParameterSets(frame.track, frame.data);
		const before = track.parameters;
		const isSameTrack =
			before?.track === frame.track || (before !== null && equals(before.track.entry, frame.track.entry));
		// A key frame without parameter sets of its own keeps those of its track.
		const isSame = isSameTrack && Buffer.compare(before.sets, sets) === 0;
		track.parameters = { track: frame.track, sets };
		// In the middle of a run it would be counted on from frames that are not there: its place among the pictures is lost.
		const isLost = !isNext && !forgetsWhatWasBefore(frame);
		if (!isSame || track.run === null || !track.run.isOpen) return true;
		return isLost && !(track.run.cut?.() ?? false);
	}

	async *#finishRun(track: PictureTrack): AsyncGenerator<Picture[]> {
		const { run } = track;
		if (run === null) return;
		yield* this.#pictures(track, run.finish());
		track.run = null;
		await run.close();
	}

	async *#pictures(track: PictureTrack, decoded: AsyncIterable<DecodedPicture[]>): AsyncGenerator<Picture[]> {
		for await (const results of decoded) {
			const pictures: Picture[] = [];
			for (const { frame, picture, problem } of results) {
				if (!track.wanted.delete(frame)) continue;
				if (picture === null) this.#onFailure?.({ frame, message: problem ?? 'no picture' });
				else pictures.push(new Picture(frame, { ...picture, format: this.#format }));
			}
			if (pictures.length > 0) yield pictures;
		}
	}
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
	return Buffer.compare(a, b) === 0;
}
