import { BitReader } from '../codecs/bit-reader.js';
import { MediaError } from '../errors.js';
import type { Track } from '../model/track.js';
import { counted } from '../wording/counted.js';

/** Bytes of a header without a checksum. */
export const ADTS_HEADER_BYTES = 7;

const ESCAPED_TYPE = 31;
const EXPLICIT_RATE = 15;
const SBR = 5;
const PARAMETRIC_STEREO = 29;

/** Object types that the two bits of a header can name: Main, LC, SSR, LTP. */
const MAX_TYPE = 4;

/** The most channels a header can name, by number of configuration (7 is 7.1). */
const MAX_CHANNEL_CONFIGURATION = 7;
const MAX_FRAME_BYTES = 0x1fff;

/** Makes the ADTS header of a frame, given the frame's size in bytes. */
export type AdtsHeader = (frameBytes: number) => Uint8Array;

/**
 * The ADTS headers (ISO 14496-3 §1.A.2.2) of a track of AAC, by its AudioSpecificConfig; SBR is left for the decoder to find,
 * as ADTS does. Throws `MediaError` (`KVS_MEDIA_UNSUPPORTED`) for a configuration that ADTS has no room for.
 */
export function adtsHeaders(track: Track): AdtsHeader {
	const configuration = readConfiguration(track.codecPrivate ?? new Uint8Array(0));
	if (configuration === null) {
		throw new MediaError(
			'KVS_MEDIA_UNSUPPORTED',
			`track ${track.number} (${track.codec}) cannot be put into a transport stream: ADTS cannot express its AudioSpecificConfig`,
		);
	}
	const { objectType, rateIndex, channels } = configuration;
	return (frameBytes) => {
		const length = ADTS_HEADER_BYTES + frameBytes;
		if (length > MAX_FRAME_BYTES) {
			throw new MediaError(
				'KVS_MEDIA_UNSUPPORTED',
				`an AAC frame of ${counted(frameBytes, 'byte')}, more than ADTS can hold`,
			);
		}
		return Uint8Array.of(
			0xff,
			0xf1,
			((objectType - 1) << 6) | (rateIndex << 2) | (channels >> 2),
			((channels & 3) << 6) | (length >> 11),
			(length >> 3) & 0xff,
			((length & 7) << 5) | 0x1f,
			0xfc,
		);
	};
}

function readConfiguration(
	codecPrivate: Uint8Array,
): { objectType: number; rateIndex: number; channels: number } | null {
	const reader = new BitReader(codecPrivate);
	try {
		let objectType = readObjectType(reader);
		const rateIndex = reader.bits(4);
		const channels = reader.bits(4);
		if (objectType === SBR || objectType === PARAMETRIC_STEREO) {
			if (reader.bits(4) === EXPLICIT_RATE) reader.skip(24);
			objectType = readObjectType(reader);
		}
		const hasName =
			objectType >= 1 &&
			objectType <= MAX_TYPE &&
			rateIndex < EXPLICIT_RATE &&
			channels >= 1 &&
			channels <= MAX_CHANNEL_CONFIGURATION;
		return hasName ? { objectType, rateIndex, channels } : null;
	} catch (error) {
		if (error instanceof RangeError) return null;
		throw error;
	}
}

function readObjectType(reader: BitReader): number {
	const objectType = reader.bits(5);
	return objectType === ESCAPED_TYPE ? 32 + reader.bits(6) : objectType;
}
