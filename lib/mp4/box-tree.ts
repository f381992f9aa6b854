import { counted } from '../wording/counted.js';
import { type Box, box, sizeOfBox } from './box.js';

/** Boxes that hold nothing but others (ISO 14496-12 §6.2), as far as anything here looks into them. */
const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'mvex', 'minf', 'stbl', 'moof', 'traf', 'edts']);

const HEADER_BYTES = 8;

/** Reads boxes that stand one after another: those that only hold others are opened. Views of `bytes`. */
export function readBoxes(bytes: Uint8Array): Box[] {
	const boxes: Box[] = [];
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (let at = 0; at < buffer.byteLength; ) {
		const size = buffer.readUInt32BE(at);
		if (size < HEADER_BYTES || at + size > buffer.byteLength) {
			throw new RangeError(`a box of ${counted(size, 'byte')} at byte ${at} of ${buffer.byteLength}`);
		}
		const type = buffer.toString('latin1', at + 4, at + HEADER_BYTES);
		const body = buffer.subarray(at + HEADER_BYTES, at + size);
		boxes.push(CONTAINERS.has(type) ? box(type, new Uint8Array(0), readBoxes(body)) : box(type, body));
		at += size;
	}
	return boxes;
}

/** The boxes at a path, `moov/trak/mdia`: all of its last name, in order. */
export function boxesAt(boxes: readonly Box[], path: string): Box[] {
	return path
		.split('/')
		.reduce<Box[]>(
			(found, type, depth) =>
				(depth === 0 ? [...boxes] : found.flatMap(({ children }) => [...children])).filter(
					(candidate) => candidate.type === type,
				),
			[],
		);
}

/** Where a box's own fields begin, in bytes from the start of the first of `boxes`; null where it is not one of them. */
export function positionOf(boxes: readonly Box[], wanted: Box): number | null {
	let position = 0;
	for (const candidate of boxes) {
		if (candidate === wanted) return position + HEADER_BYTES;
		const within = positionOf(candidate.children, wanted);
		if (within !== null) return position + HEADER_BYTES + candidate.fields.byteLength + within;
		position += sizeOfBox(candidate);
	}
	return null;
}
