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
	if (format === 'jpg' || format === 'png') {
		const { start, end } = MARKS[format];
		const isWhole =
			data.byteLength >= start.byteLength + end.byteLength &&
			start.equals(data.subarray(0, start.byteLength)) &&
			end.equals(data.subarray(data.byteLength - end.byteLength));
		return isWhole ? null : `${data.byteLength} bytes that are not a whole ${format.toUpperCase()}`;
	}
	const chromaBytes = 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
	const sizeBytes = format === 'rgb24' ? 3 * width * height : width * height + chromaBytes;
	if (sizeBytes > 0 && data.byteLength === sizeBytes) return null;
	return `${data.byteLength} bytes, where ${width}x${height} in ${format} takes ${sizeBytes}`;
}
