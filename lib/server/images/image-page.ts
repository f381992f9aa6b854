import type { Frame } from '../../model/media-event.js';
import { FfmpegDecoder } from '../../pictures/ffmpeg-decoder.js';
import type { Picture } from '../../pictures/picture.js';
import { PictureSelector } from '../../pictures/picture-selector.js';
import type { SelectedFrame } from '../../pictures/selected-frame.js';
import { TrackDecoder } from '../../pictures/track-decoder.js';
import { onAbort } from '../../stream/abort.js';
import { counted } from '../../wording/counted.js';
import type { MonotonicClock } from '../monotonic-clock.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import type { FragmentVideo, FragmentVideoReader } from './fragment-video.js';
import type { ImagesRequest } from './images-request.js';
import { ShownFragments } from './shown-fragments.js';

/** One image of a response, or why there is none. */
export interface MadeImage {
	readonly timeMs: number;
	/** `MEDIA_ERROR`: the media of that time gives no picture. */
	readonly error: 'NO_MEDIA' | 'MEDIA_ERROR' | null;
	/** The JPEG or PNG, in base64; null with an error. */
	readonly content: Buffer | null;
}

/** What a page is made of. */
export interface ImagePageSource {
	readonly request: ImagesRequest;
	/** The fragments that count, and some that begin later, in the order of the request's clock. */
	readonly fragments: readonly StoredFragment[];
	/** The times of the page, in order. */
	readonly timesMs: readonly number[];
	readonly reader: FragmentVideoReader;
	/** The program that decodes. */
	readonly ffmpeg: string | undefined;
	readonly clock: MonotonicClock;
	/** Called for the first image that cannot be made: which, and why. */
	readonly onProblem: (message: string) => void;
}

/** What a response may hold (GetImages in the service quotas). */
const MAX_PAGE_BYTES = 100_000_000;

/** What one image may have, in base64 (ImageContent of the service's model). */
const MAX_IMAGE_BYTES = 6_291_456;

/** A page ends where it is by then, so that clients do not wait in vain. */
const MAX_PAGE_MS = 30_000;

/** How long the decoder may take to go on. */
const DECODER_TIMEOUT_MS = 30_000;

/** The largest picture of H.264 and H.265 (level 6.2). A decoder holds up to 17 of them, of 12 bits a pixel. */
const MAX_PIXELS = 35_651_584;

/**
 * The images of a page, in order: of all its times, or of the first ones where the page is full or took too long before. One
 * decoder at a time. Rejects with `ArchiveError` where there is no ffmpeg or it fails, and with the signal's reason.
 */
export async function makeImagePage(source: ImagePageSource, signal: AbortSignal): Promise<MadeImage[]> {
	return new ImagePage(source).make(signal);
}

/** Fragments one after the other, by their indexes, and the times at which their pictures are shown. */
interface FragmentRun {
	readonly first: number;
	last: number;
	readonly timesMs: number[];
}

class ImagePage {
	readonly #source: ImagePageSource;
	readonly #shown: ShownFragments;
	readonly #decoder: TrackDecoder;
	readonly #beganMs: number;
	/** By time. Not there: nothing is shown. Null: no picture, or none yet. */
	readonly #contents = new Map<number, Buffer | null>();
	/** The times at which a frame that is to be decoded is shown. */
	readonly #pointsOf = new WeakMap<Frame, readonly Date[]>();
	#count = 0;
	#hasProblem = false;
	#sizeBytes = 0;
	/** The page ends before this time, epoch milliseconds. */
	#endMs = Number.POSITIVE_INFINITY;

	constructor(source: ImagePageSource) {
		const { request, fragments, reader, ffmpeg, clock } = source;
		const { width, height, format, jpegQuality } = request;
		this.#source = source;
		this.#shown = new ShownFragments(fragments, request.clock, reader);
		const decoder = new FfmpegDecoder({
			path: ffmpeg,
			timeoutMs: DECODER_TIMEOUT_MS,
			maxPixels: MAX_PIXELS,
		});
		const size = height === null ? undefined : { width: width ?? undefined, height };
		this.#decoder = new TrackDecoder({
			decoder,
			output: { format, size, fit: 'fill', quality: jpegQuality },
			onFailure: ({ frame, message }) => this.#missed(this.#pointsOf.get(frame)?.[0], message),
			points: (frame) => this.#pointsOf.get(frame),
		});
		this.#beganMs = clock.now();
	}

	async make(signal: AbortSignal): Promise<MadeImage[]> {
		const release = onAbort(signal, () => void this.#decoder.close());
		try {
			await this.#decode(signal);
		} finally {
			release();
			await this.#decoder.close();
		}
		signal.throwIfAborted();
		return this.#source.timesMs
			.filter((timeMs) => timeMs < this.#endMs)
			.map((timeMs) => {
				const content = this.#contents.get(timeMs);
				if (content === undefined) return { timeMs, error: 'NO_MEDIA', content: null };
				return { timeMs, error: content === null ? 'MEDIA_ERROR' : null, content };
			});
	}

	async #decode(signal: AbortSignal): Promise<void> {
		for (const run of await this.#runs(signal)) {
			if (this.#isOver) return;
			await this.#decodeRun(run, signal);
		}
		if (!this.#isOver) for await (const pictures of this.#decoder.finish()) this.#take(pictures);
	}

	/** Where the times of the page lie: fragments that go on from one to the next are decoded as one. */
	async #runs(signal: AbortSignal): Promise<FragmentRun[]> {
		const runs: FragmentRun[] = [];
		for (const timeMs of this.#source.timesMs) {
			signal.throwIfAborted();
			const index = await this.#shown.at(timeMs);
			if (index === null) continue;
			this.#contents.set(timeMs, null);
			const run = runs.at(-1);
			const goesOn =
				run !== undefined &&
				(index === run.last || (index === run.last + 1 && (await this.#shown.isJoined(run.last))));
			if (goesOn) {
				run.last = index;
				run.timesMs.push(timeMs);
			} else runs.push({ first: index, last: index, timesMs: [timeMs] });
		}
		return runs;
	}

	get #isOver(): boolean {
		return Number.isFinite(this.#endMs);
	}

	async #decodeRun({ first, last, timesMs }: FragmentRun, signal: AbortSignal): Promise<void> {
		const offsetsMs = new Map<string | null, number>();
		const selector = new PictureSelector({
			select: { at: timesMs },
			offsetMs: ({ fragmentNumber }) => offsetsMs.get(fragmentNumber) as number,
		});
		// What was decoded before is of another run.
		selector.skip();
		const latestMs = timesMs.at(-1) as number;
		for (let index = first; index <= last + 1; index++) {
			const video = await this.#shown.video(index);
			if (video === null) break;
			const frames = index > last ? firstGroup(video) : video.frames;
			for (const frame of frames) {
				offsetsMs.set(frame.fragmentNumber, video.offsetMs);
				await this.#decodeFrames(selector.frame(frame), selector, signal);
			}
			// Of the fragment after the run, pictures may be shown before its key frame.
			if (index === last && latestMs < video.lastMs) break;
		}
		await this.#decodeFrames(selector.end(), selector, signal);
	}

	async #decodeFrames(
		frames: readonly SelectedFrame[],
		selector: PictureSelector,
		signal: AbortSignal,
	): Promise<void> {
		for (const selected of frames) {
			if (this.#isOver) return;
			const { frame, isWanted } = selected;
			if (isWanted) {
				// The first pictures of a fragment may be wanted with those before them, too.
				const points = [...(this.#pointsOf.get(frame) ?? []), ...(selector.takePoints(frame) ?? [])];
				this.#pointsOf.set(frame, points);
			}
			for await (const pictures of this.#decoder.decode(selected)) this.#take(pictures);
			signal.throwIfAborted();
		}
	}

	#take(pictures: readonly Picture[]): void {
		for (const { at = [], data } of pictures) {
			const content = Buffer.from(bytesOf(data).toString('base64'), 'latin1');
			if (content.byteLength > MAX_IMAGE_BYTES) {
				this.#missed(
					at[0],
					`it has ${counted(content.byteLength, 'byte')} in base64, and may have ${MAX_IMAGE_BYTES}`,
				);
				continue;
			}
			for (const time of at) this.#add(time.getTime(), content);
		}
	}

	#missed(at: Date | undefined, why: string): void {
		if (this.#hasProblem) return;
		this.#hasProblem = true;
		this.#source.onProblem(`no image of ${at?.toISOString()}: ${why}`);
	}

	#add(timeMs: number, content: Buffer): void {
		if (this.#isOver) return;
		if (this.#count > 0 && this.#sizeBytes + content.byteLength > MAX_PAGE_BYTES) {
			this.#endMs = timeMs;
			return;
		}
		this.#contents.set(timeMs, content);
		this.#count++;
		this.#sizeBytes += content.byteLength;
		const { clock } = this.#source;
		if (clock.now() - this.#beganMs > MAX_PAGE_MS) this.#endMs = timeMs + 1;
	}
}

/** Those that may be shown before the key frame that they follow, and what they need. */
function firstGroup({ frames }: FragmentVideo): readonly Frame[] {
	const end = frames.findIndex(({ keyframe }, index) => index > 0 && keyframe);
	return end === -1 ? frames : frames.slice(0, end);
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
	return Buffer.from(buffer, byteOffset, byteLength);
}
