import { box, bytesOfBox, container, fullBox, uint32, uint64 } from './box.js';

/** Where a track's media lie in the file's time. */
export interface TrackEdit {
	/** When the track's media begin, in whole milliseconds of the file. */
	readonly startMs: number;
	/** By how much its frames are shown after their decode times, in its timescale. */
	readonly delayTicks: number;
	/** How much of its media is not played at the start, in its timescale: the pre-skip of Opus. @default 0 */
	readonly skipTicks?: number;
}

/** Room for an edit list of two edits. */
const EDIT_BYTES = 64;
const BOX_HEADER_BYTES = 8;
const RATE_1 = 0x10000;

/** ISO 14496-12 §8.6.6: time in which there is nothing. */
const EMPTY_EDIT = 2n ** 64n - 1n;

/**
 * A track's edit list (`edts`), always of the same length, so that it can be written over: what it does not need is `free`.
 *
 * A track that begins late has an empty edit in place of late decode times: ffmpeg, and with it Chromium, add the first
 * time to the last to tell how long a track is.
 */
export function editList({ startMs, delayTicks, skipTicks = 0 }: TrackEdit): Uint8Array {
	const edits: Uint8Array[] = [];
	if (startMs > 0) {
		const mediaTime = Buffer.alloc(8);
		mediaTime.writeBigUInt64BE(EMPTY_EDIT);
		edits.push(uint64(startMs), mediaTime, uint32(RATE_1));
	}
	// Of no duration: to the end of the fragments, however many there will be.
	const mediaTicks = delayTicks + skipTicks;
	if (startMs > 0 || mediaTicks > 0) edits.push(uint64(0), uint64(mediaTicks), uint32(RATE_1));
	const count = edits.length / 3;
	const list = container('edts', [fullBox('elst', 1, 0, [uint32(count), ...edits])]);
	const bytes = count === 0 ? Buffer.alloc(0) : bytesOfBox(list);
	const freeBytes = EDIT_BYTES - bytes.byteLength;
	if (freeBytes === 0) return bytes;
	return Buffer.concat([bytes, bytesOfBox(box('free', Buffer.alloc(freeBytes - BOX_HEADER_BYTES)))]);
}
