import { counted } from '../wording/counted.js';
import type { PictureFormat } from './picture.js';

/** What images begin and end with (ITU-T T.81 §B.1.1.3, ISO 15948 §5.2 and §11.2.5). */
const MARKS = {
	jpg: { start: Buffer.from('ffd8ff', 'hex'), end: Buffer.from('ffd9', 'hex') },
	png: { start: Buffer.from('89504e470d0a1a0a', 'hex'), end: Buffer.from('49454e44ae426082', 'hex') },
} as const;

/** Why bytes are not a picture of that format and size, as a clause about them; null where they are. */
export function whyNotPicture(
	{ width, height, data }: { width: number; height: number; data: Uint8Array },
	format: PictureFormat,
): string | null {
	if (format === 'jpg' || format === 'png' || format === 'webp') {
		const isWhole = format === 'webp' ? isWholeWebp(data) : isMarked(data, MARKS[format]);
		return isWhole
			? null
			: `${counted(data.byteLength, 'byte')} that are not a whole ${format.toUpperCase()}`;
	}
	const sizeBytes = rawSizeBytes(width, height, format);
	if (sizeBytes > 0 && data.byteLength === sizeBytes) return null;
	return `${counted(data.byteLength, 'byte')}, where ${width}x${height} in ${format} takes ${sizeBytes}`;
}

function isMarked(data: Uint8Array, { start, end }: { start: Buffer; end: Buffer }): boolean {
	return (
		data.byteLength >= start.byteLength + end.byteLength &&
		start.equals(data.subarray(0, start.byteLength)) &&
		end.equals(data.subarray(data.byteLength - end.byteLength))
	);
}

/** A RIFF file of the form `WEBP`, which says how long it is after its first eight bytes (RFC 9649 §2.4). */
function isWholeWebp(data: Uint8Array): boolean {
	const head = Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, 12));
	if (head.byteLength < 12 || head.readUInt32LE(4) + 8 !== data.byteLength) return false;
	return head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8) === 'WEBP';
}

function rawSizeBytes(width: number, height: number, format: PictureFormat): number {
	if (format === 'rgb24' || format === 'bgr24') return 3 * width * height;
	if (format === 'gray') return width * height;
	return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}
