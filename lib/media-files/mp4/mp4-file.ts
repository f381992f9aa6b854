import type { FileHandle } from 'node:fs/promises';
import { MediaError } from '../../errors.js';
import { readFully } from '../../files/read-fully.js';
import type { Box } from '../../mp4/box.js';
import { readBoxes } from '../../mp4/box-tree.js';
import { counted } from '../../wording/counted.js';
import { fragmentSamples } from './fragment-samples.js';
import type { Mp4Sample } from './mp4-sample.js';
import { becameShorter, type Mp4Track, readMp4Tracks, unreadable } from './mp4-track.js';
import { tableSamples } from './table-samples.js';
import { readTopLevelBoxes, type TopLevelBox } from './top-level-boxes.js';

/** A `moov` or `moof` box is read as a whole. A day of video and audio makes one of 100 MB. */
const MAX_HEADER_BOX_BYTES = 512 * 1024 * 1024;

/** An MP4 or MOV file that is open: what its boxes say, and all of its samples, those of `moov` before those of each `moof`. */
export class Mp4File {
	readonly handle: FileHandle;
	readonly sizeBytes: number;
	/** What is in its `moov`. */
	readonly movie: readonly Box[];
	readonly tracks: readonly Mp4Track[];
	/** Where the file ends inside a box that would have named more samples, in a sentence; null where it does not. */
	readonly cutMessage: string | null;
	readonly #fragments: readonly TopLevelBox[];

	private constructor(
		handle: FileHandle,
		sizeBytes: number,
		movie: readonly Box[],
		boxes: readonly TopLevelBox[],
	) {
		this.handle = handle;
		this.sizeBytes = sizeBytes;
		this.movie = movie;
		this.tracks = orUnreadable(() => readMp4Tracks(movie));
		this.#fragments = boxes.filter(({ type, isCut }) => type === 'moof' && !isCut);
		const cut = boxes.find(({ type, isCut }) => isCut && (type === 'moof' || type === ''));
		this.cutMessage = cut === undefined ? null : endMessage(cut);
	}

	/**
	 * Reads the boxes of a file; the handle stays the caller's. Throws `MediaError`: `KVS_MEDIA_TRUNCATED` for a file that ends
	 * before its `moov` does, `KVS_MEDIA_UNSUPPORTED` for one without any and for boxes that contradict each other.
	 */
	static async open(handle: FileHandle, sizeBytes: number): Promise<Mp4File> {
		const boxes = await readTopLevelBoxes(handle, sizeBytes);
		const movie = boxes.find(({ type }) => type === 'moov');
		const last = boxes.at(-1);
		if (last === undefined) throw new MediaError('KVS_MEDIA_TRUNCATED', 'the media is empty', { offset: 0 });
		if (movie === undefined || movie.isCut) {
			if (!last.isCut) throw new MediaError('KVS_MEDIA_UNSUPPORTED', 'an MP4 without a `moov` box');
			throw new MediaError('KVS_MEDIA_TRUNCATED', endMessage(last), { offset: last.offset });
		}
		const moov = await readInside(handle, movie);
		return new Mp4File(handle, sizeBytes, moov, boxes);
	}

	/**
	 * The samples of a track in decode order, as many at a time as one box holds. `pcmFrameBytes` as {@link tableSamples} takes
	 * it. Throws `MediaError` where a box cannot be read.
	 */
	async *samples(track: Mp4Track, pcmFrameBytes: number | null): AsyncGenerator<Iterator<Mp4Sample>> {
		let decodeTicks = 0;
		const counted = function* (samples: Iterable<Mp4Sample>): Generator<Mp4Sample> {
			for (const sample of samples) {
				yield sample;
				decodeTicks = sample.decodeTicks + sample.durationTicks;
			}
		};
		yield counted(tableSamples(track, pcmFrameBytes));
		for (const fragment of this.#fragments) {
			const boxes = await readInside(this.handle, fragment);
			yield counted(fragmentSamples(boxes, fragment.offset, track, decodeTicks));
		}
	}
}

function endMessage({ type, offset }: TopLevelBox): string {
	const what = type === '' ? 'a box header' : `the box \`${type}\` that begins`;
	return `the media ends inside ${what} at byte ${offset}`;
}

/** The boxes within a box of the top level. */
async function readInside(
	handle: FileHandle,
	{ type, offset, headerBytes, sizeBytes }: TopLevelBox,
): Promise<readonly Box[]> {
	if (sizeBytes > MAX_HEADER_BOX_BYTES) {
		throw unreadable(`\`${type}\` has ${counted(sizeBytes, 'byte')}, more than ${MAX_HEADER_BOX_BYTES}`);
	}
	const bytes = Buffer.alloc(sizeBytes - headerBytes);
	const filled = await readFully(handle, bytes, offset + headerBytes);
	if (filled < bytes.byteLength) throw becameShorter(offset + headerBytes + filled);
	return orUnreadable(() => readBoxes(bytes));
}

/** What reads past a box's end throws a RangeError. */
export function orUnreadable<T>(read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (error instanceof RangeError) throw unreadable(error.message, error);
		throw error;
	}
}
