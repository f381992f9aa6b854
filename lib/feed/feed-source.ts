import { MediaError } from '../errors.js';
import type { FileMedia } from '../media-files/file-media.js';
import { type InputFile, openInput, readBytes } from '../media-files/input-file.js';
import { MatroskaParser } from '../mkv/parser/matroska-parser.js';
import { unlessAborted } from '../stream/abort.js';
import { type FeedFrame, FrameCollector } from './feed-frame.js';
import { chooseTracks, type FeedTracks, unsupported } from './feed-tracks.js';

/** Media to be fed, whatever it is read from. */
export interface FeedSource extends FeedTracks {
	/** What of the media is not fed, and why: one sentence each. There may be more once it has been read. */
	readonly omissions: string[];
	/** Whether it can be read more than once. */
	readonly isFile: boolean;
	/** The frames in file order, in arrays as they are read. Throws `MediaError`, the system's error and the signal's reason. */
	frames(signal: AbortSignal): AsyncGenerator<FeedFrame[], void, undefined>;
	/** Gives back what is open. */
	close(): Promise<void>;
}

/** A Matroska, WebM, MP4 or MOV file. Throws the system's error where it cannot be opened, and `MediaError`. */
export async function openFile(path: string, signal: AbortSignal): Promise<FeedSource> {
	const input = await openInput(path);
	try {
		return input.container === 'matroska' ? await matroskaFile(input, signal) : await mp4File(input, signal);
	} catch (error) {
		await input.handle.close();
		throw error;
	}
}

/** Matroska as it comes, from a pipe for instance. Reads up to the first media, to know the tracks. */
export async function openPipe(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<FeedSource> {
	const reading = new MatroskaReading(chunks[Symbol.asyncIterator]());
	const chosen = await reading.readTracks(signal);
	const omissions = [...chosen.omissions];
	return {
		...chosen,
		omissions,
		isFile: false,
		frames: (framesSignal) => reading.frames(omissions, framesSignal),
		// What was handed in stays the caller's.
		close: async () => {},
	};
}

async function matroskaFile({ handle, sizeBytes }: InputFile, signal: AbortSignal): Promise<FeedSource> {
	const open = (readSignal: AbortSignal): MatroskaReading =>
		new MatroskaReading(readBytes(handle, 0, sizeBytes, readSignal));
	const chosen = await open(signal).readTracks(signal);
	const omissions = [...chosen.omissions];
	return {
		...chosen,
		omissions,
		isFile: true,
		frames: (framesSignal) => open(framesSignal).frames(omissions, framesSignal),
		close: () => handle.close(),
	};
}

async function mp4File({ handle, sizeBytes }: InputFile, signal: AbortSignal): Promise<FeedSource> {
	// Loaded when it is needed: mediabunny takes as long as the rest of the package.
	const { openMp4 } = await import('../media-files/mp4/mp4-media.js');
	const media = await openMp4(handle, sizeBytes, signal);
	const chosen = chooseTracks(media.tracks);
	return {
		...chosen,
		omissions: [...media.omissions, ...chosen.omissions],
		isFile: true,
		frames: (framesSignal) => mp4Frames(media, framesSignal),
		close: () => handle.close(),
	};
}

async function* mp4Frames(
	media: FileMedia,
	signal: AbortSignal,
): AsyncGenerator<FeedFrame[], void, undefined> {
	const collector = new FrameCollector(media);
	for await (const _ of media.feed(collector, signal)) yield collector.frames.splice(0);
}

/** One reading of a Matroska document. */
class MatroskaReading {
	readonly #chunks: AsyncIterator<Uint8Array>;
	readonly #collector = new FrameCollector();
	readonly #parser = new MatroskaParser(this.#collector);
	#isOver = false;
	#chosen: FeedTracks | null = null;

	constructor(chunks: AsyncIterator<Uint8Array>) {
		this.#chunks = chunks;
	}

	/** Reads up to the tracks. Throws `MediaError` for media without a track that can be fed. */
	async readTracks(signal: AbortSignal): Promise<FeedTracks> {
		while (this.#collector.tracks === null && !this.#isOver) await this.#readChunk(signal);
		if (this.#collector.tracks === null) {
			throw this.#parser.end() ?? unsupported('expected Matroska, got media without tracks');
		}
		this.#chosen = chooseTracks(this.#collector.tracks);
		return this.#chosen;
	}

	/** The frames of the tracks that are fed. What is wrong with the end of the media is added to `omissions`. */
	async *frames(omissions: string[], signal: AbortSignal): AsyncGenerator<FeedFrame[], void, undefined> {
		const { tracks } = this.#chosen ?? (await this.readTracks(signal));
		const numbers = new Set(tracks.map(({ number }) => number));
		const take = (): FeedFrame[] =>
			this.#collector.frames.splice(0).filter(({ trackNumber }) => numbers.has(trackNumber));
		while (!this.#isOver) {
			yield take();
			try {
				await this.#readChunk(signal);
			} catch (error) {
				// What came before malformed bytes is fed.
				yield take();
				throw error;
			}
		}
		const cut = this.#parser.end();
		yield take();
		const sentence = `${cut?.message ?? ''}; the frames before are fed`;
		if (cut !== null && !omissions.includes(sentence)) omissions.push(sentence);
	}

	async #readChunk(signal: AbortSignal): Promise<void> {
		const { value, done } = await unlessAborted(this.#chunks.next(), signal);
		if (done === true) {
			this.#isOver = true;
			if (this.#parser.release()) while (!this.#parser.resume());
			return;
		}
		if (!(value instanceof Uint8Array)) {
			throw new MediaError('KVS_MEDIA_UNSUPPORTED', `expected bytes, got a ${typeof value}`);
		}
		if (!this.#parser.write(value)) while (!this.#parser.resume());
	}
}
