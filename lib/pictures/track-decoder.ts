import { AccessUnit, startsClosedGop } from '../codecs/nal/access-unit.js';
import { type TrackMedia, trackMedia } from '../codecs/track-media.js';
import { areEqual } from '../model/bytes.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import type { DecodedPicture, DecoderRun, FrameDecoder } from './frame-decoder.js';
import { Picture } from './picture.js';
import type { PictureOutput } from './picture-output.js';
import type { SelectedFrame } from './selected-frame.js';

/** A frame that gave no picture. */
export interface DecodeFailure {
	readonly frame: Frame;
	/** What the decoder said, in one line. */
	readonly message: string;
}

/** Options of {@link TrackDecoder}. */
export interface TrackDecoderOptions {
	readonly decoder: FrameDecoder;
	/** What the pictures are to be; valid. */
	readonly output: PictureOutput;
	/** Called for every wanted frame that gave no picture. */
	readonly onFailure: ((failure: DecodeFailure) => void) | undefined;
	/** With `select: { at }`: the times at which a wanted frame is on the screen. */
	readonly points?: ((frame: Frame) => readonly Date[] | undefined) | undefined;
}

/**
 * Decodes the selected frames of one track. One run of the decoder lasts as long as the parameters stay equal; on a change
 * the one before is emptied first, and at a key frame of an open group of pictures (a recovery point, a CRA) after frames
 * that were left out or are missing.
 */
export class TrackDecoder {
	readonly #options: TrackDecoderOptions;
	#run: DecoderRun | null = null;
	/** What the run was opened for: a key frame with other parameters needs another. */
	#parameters: { readonly track: Track; readonly sets: Uint8Array } | null = null;
	#media: TrackMedia | null = null;
	/** Frames handed to the run whose pictures are wanted. */
	readonly #wanted = new Set<Frame>();
	#isClosed = false;

	constructor(options: TrackDecoderOptions) {
		this.#options = options;
	}

	/** Takes the next frame in decoding order; gives pictures in presentation order. */
	async *decode({ frame, presentationMs, isWanted, isNext }: SelectedFrame): AsyncGenerator<Picture[]> {
		if (frame.keyframe) {
			const media = this.#mediaOf(frame);
			if (this.#needsRun(frame, isNext)) {
				yield* this.finish();
				if (this.#isClosed) return;
				this.#run = this.#options.decoder.open(frame, this.#options.output, media.track);
			}
		}
		if (this.#run === null) {
			if (isWanted) this.#options.onFailure?.({ frame, message: 'there is no key frame before it' });
			return;
		}
		if (isWanted) this.#wanted.add(frame);
		yield* this.#pictures(this.#run.decode(frame, presentationMs));
	}

	/** No more frames for now: gives everything that is left. */
	async *finish(): AsyncGenerator<Picture[]> {
		const run = this.#run;
		if (run === null) return;
		yield* this.#pictures(run.finish());
		this.#run = null;
		await run.close();
	}

	/** Ends the run at once. */
	async close(): Promise<void> {
		this.#isClosed = true;
		await this.#run?.close();
	}

	/** What the track holds, by its header or else by this key frame or one before it. */
	#mediaOf({ track, data }: Frame): TrackMedia {
		const media = trackMedia(track, [data]);
		const isKnown = this.#media !== null && this.#media.missing === null;
		const keeps = media.missing !== null && isKnown && this.#parameters?.track === track;
		if (!keeps) this.#media = media;
		return this.#media as TrackMedia;
	}

	/** Whether a key frame has to begin a run. Remembers its parameters. */
	#needsRun(frame: Frame, isNext: boolean): boolean {
		const { track } = frame;
		const before = this.#parameters;
		const isSameTrack =
			before?.track === track || (before !== null && areEqual(before.track.entry, track.entry));
		const own = AccessUnit.of(frame)?.parameterSets ?? new Uint8Array(0);
		// A key frame without parameter sets of its own has those of its track, which may be those of the key frames before it.
		const isFromBefore = own.byteLength === 0 && isSameTrack && trackMedia(track).missing !== null;
		const sets = isFromBefore ? before.sets : own;
		const isSame = isSameTrack && areEqual(before.sets, sets);
		this.#parameters = { track, sets };
		// In the middle of a run it would be counted on from frames that are not there: its place among the pictures is lost.
		const isLost = !isNext && !startsClosedGop(frame);
		if (!isSame || this.#run === null || !this.#run.isOpen) return true;
		return isLost && !(this.#run.cut?.() ?? false);
	}

	async *#pictures(decoded: AsyncIterable<DecodedPicture[]>): AsyncGenerator<Picture[]> {
		const { output, onFailure, points } = this.#options;
		const { format } = output;
		for await (const results of decoded) {
			const pictures: Picture[] = [];
			for (const { frame, picture, problem } of results) {
				if (!this.#wanted.delete(frame)) continue;
				if (picture === null) onFailure?.({ frame, message: this.#explain(problem ?? 'no picture') });
				else pictures.push(new Picture(frame, { ...picture, format, at: points?.(frame) }));
			}
			if (pictures.length > 0) yield pictures;
		}
	}

	#explain(problem: string): string {
		const missing = this.#media?.missing ?? null;
		return missing === null ? problem : `${problem} (its track has ${missing})`;
	}
}
