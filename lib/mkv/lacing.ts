import { malformed } from '../ebml/element-header.js';
import { concatBytes } from '../model/bytes.js';
import { counted } from '../wording/counted.js';

/** The lacing bits of a block's flags (Matroska §10.3). */
export const LACING_MASK = 0x06;
/** Xiph lacing, in those bits. */
export const XIPH_LACING = 0x02;
const FIXED_SIZE = 0x04;

/** How many frames a block's payload, which begins at `start`, holds (Matroska §10.3: the count is stored less one). */
export function framesInBlock(flags: number, bytes: Uint8Array, start: number): number {
	return (flags & LACING_MASK) === 0 ? 1 : (bytes[start] ?? 0) + 1;
}

/**
 * Splits the payload of a laced block (what follows the four or more header bytes) into its frames, as ranges within
 * `bytes`. Throws a malformed error where the sizes do not add up.
 */
export function splitLacing(
	bytes: Uint8Array,
	start: number,
	end: number,
	flags: number,
	offset: number,
): { start: number; end: number }[] {
	if (start >= end) throw malformed('a laced block without a frame count', offset);
	const count = (bytes[start] as number) + 1;
	const lacing = flags & LACING_MASK;
	let position = start + 1;
	const sizes: number[] = [];
	if (lacing === FIXED_SIZE) {
		const total = end - position;
		if (total % count !== 0)
			throw malformed(
				`${counted(total, 'byte')} do not lace into ${counted(count, 'frame')} of one size`,
				offset,
			);
		for (let i = 0; i < count; i++) sizes.push(total / count);
	} else {
		let remaining = 0;
		for (let i = 0; i < count - 1; i++) {
			let size = 0;
			if (lacing === XIPH_LACING) {
				for (let byte = 255; byte === 255; size += byte) byte = byteAt(position++);
			} else {
				const length = Math.clz32(byteAt(position)) - 23;
				if (length > 8) throw malformed('a laced frame size of more than 8 bytes', offset);
				let value = byteAt(position) & ((1 << (8 - length)) - 1);
				for (let k = 1; k < length; k++) value = value * 256 + byteAt(position + k);
				position += length;
				// The first size is plain; the others are differences, signed by a bias of half their range (§10.3.3).
				size = i === 0 ? value : (sizes[i - 1] as number) + value - (2 ** (7 * length - 1) - 1);
			}
			if (size < 0 || size > end - start)
				throw malformed(
					`expected a laced frame of 0 to ${end - start} bytes, got ${counted(size, 'byte')}`,
					offset,
				);
			sizes.push(size);
			remaining += size;
		}
		sizes.push(end - position - remaining);
	}
	const frames: { start: number; end: number }[] = [];
	for (const size of sizes) {
		if (size < 0) throw malformed('laced frames are larger than their block', offset);
		frames.push({ start: position, end: position + size });
		position += size;
	}
	return frames;

	function byteAt(at: number): number {
		if (at >= end) throw malformed('a block ends inside its lacing', offset);
		return bytes[at] as number;
	}
}

/** The payload of a block with Xiph lacing (RFC 9559 §10.3.2) around 1 to 256 frames. */
export function laceFrames(frames: readonly Uint8Array[]): Uint8Array {
	const sizes = frames
		.slice(0, -1)
		.flatMap(({ byteLength }) => [
			...new Uint8Array(Math.floor(byteLength / 255)).fill(255),
			byteLength % 255,
		]);
	return concatBytes([Uint8Array.of(frames.length - 1, ...sizes), ...frames]);
}
