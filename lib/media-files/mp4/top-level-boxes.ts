import type { FileHandle } from 'node:fs/promises';
import { MediaError } from '../../errors.js';
import { counted } from '../../wording/counted.js';

/** A box of a file's top level. */
export interface TopLevelBox {
	readonly type: string;
	/** Where it begins in the file, and how long it says it is, its header included. */
	readonly offset: number;
	readonly sizeBytes: number;
	readonly headerBytes: number;
	/** Whether the file ends before the box does. */
	readonly isCut: boolean;
}

/**
 * The boxes of a file's top level, in order (ISO 14496-12 §4.2). The last one may be cut off by the end of the file. Throws
 * `MediaError` (`KVS_MEDIA_UNSUPPORTED`) for a box that is smaller than its own header.
 */
export async function readTopLevelBoxes(handle: FileHandle, sizeBytes: number): Promise<TopLevelBox[]> {
	const boxes: TopLevelBox[] = [];
	for (let offset = 0; offset < sizeBytes; ) {
		const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, offset);
		// What is shorter than a header is what is left of a box that was cut off.
		if (bytesRead < 8) {
			boxes.push({ type: '', offset, sizeBytes: 8, headerBytes: 8, isCut: true });
			break;
		}
		const type = buffer.toString('latin1', 4, 8);
		const shortSize = buffer.readUInt32BE(0);
		const headerBytes = shortSize === 1 ? 16 : 8;
		let boxBytes = shortSize;
		if (shortSize === 0) boxBytes = sizeBytes - offset;
		if (shortSize === 1) {
			boxBytes = bytesRead < 16 ? Number.POSITIVE_INFINITY : Number(buffer.readBigUInt64BE(8));
		}
		if (boxBytes < headerBytes) {
			throw new MediaError(
				'KVS_MEDIA_UNSUPPORTED',
				`a box of ${counted(boxBytes, 'byte')} at byte ${offset} of an MP4, less than its header has`,
				{
					offset,
				},
			);
		}
		boxes.push({ type, offset, sizeBytes: boxBytes, headerBytes, isCut: offset + boxBytes > sizeBytes });
		offset += boxBytes;
	}
	return boxes;
}
