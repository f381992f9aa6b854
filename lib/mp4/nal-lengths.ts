import { nalFormatOfFrame, splitAnnexB } from '../codecs/nal-format.js';
import { MediaError } from '../errors.js';
import type { Track } from '../model/track.js';

/** Bytes of a length where nothing says otherwise, as in the decoder configuration made for an Annex B track. */
const DEFAULT_LENGTH_BYTES = 4;

/**
 * A frame as MP4 stores it: NAL units of H.264 and H.265 with their lengths in front. Slices, which are the frame itself
 * unless it has start codes.
 */
export function storedFrame(track: Track, data: Uint8Array): Uint8Array[] {
	if (track.nalFormat === null) return [data];
	const lengthBytes = track.nalLengthBytes ?? DEFAULT_LENGTH_BYTES;
	if (nalFormatOfFrame(data, lengthBytes) !== 'annex-b') return [data];
	return splitAnnexB(data).flatMap((unit) => {
		if (unit.byteLength >= 2 ** (8 * lengthBytes)) {
			throw new MediaError(
				'KVS_MEDIA_UNSUPPORTED',
				`a NAL unit of ${unit.byteLength} bytes in track ${track.number}, whose lengths have ${lengthBytes} bytes`,
			);
		}
		const length = Buffer.alloc(lengthBytes);
		length.writeUIntBE(unit.byteLength, 0, lengthBytes);
		return [length, unit];
	});
}
