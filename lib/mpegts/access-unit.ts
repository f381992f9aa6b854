import { registeredCodecId } from '../codecs/codec.js';
import { nalFormatOfFrame, splitAnnexB } from '../codecs/nal-format.js';
import { avcNalType, hevcNalType } from '../codecs/parameter-sets.js';
import { MediaError } from '../errors.js';
import type { Track } from '../model/track.js';

const START_CODE = Uint8Array.of(0, 0, 0, 1);

/** What tells the two codecs apart here. A delimiter says "any kind of slice follows". */
const avc = { typeOf: avcNalType, sps: 7, delimiterType: 9, delimiter: Uint8Array.of(0x09, 0xf0) };
const hevc = { typeOf: hevcNalType, sps: 33, delimiterType: 35, delimiter: Uint8Array.of(0x46, 0x01, 0x50) };

/**
 * A frame of H.264 or H.265 as a transport stream has it: a byte stream with start codes, an access unit delimiter in
 * front (ISO 13818-1 §2.14.1), and before a key frame the parameter sets, unless it brings its own. Slices.
 *
 * Throws `MediaError` (`KVS_MEDIA_UNSUPPORTED`) for a frame whose NAL units cannot be told apart.
 */
export function accessUnit(
	track: Track,
	frame: Uint8Array,
	{ keyframe, parameterSets }: { keyframe: boolean; parameterSets: readonly Uint8Array[] },
): Uint8Array[] {
	const { typeOf, sps, delimiterType, delimiter } =
		registeredCodecId(track.codecId) === 'V_MPEG4/ISO/AVC' ? avc : hevc;
	const units = nalUnits(track, frame).filter((unit) => typeOf(unit) !== delimiterType);
	const needsSets = keyframe && !units.some((unit) => typeOf(unit) === sps);
	const all = [delimiter, ...(needsSets ? parameterSets : []), ...units];
	return all.flatMap((unit) => [START_CODE, unit]);
}

/** The NAL units of a frame, however they are told apart: views. Throws as {@link accessUnit}. */
export function nalUnits(track: Track, frame: Uint8Array): Uint8Array[] {
	const lengthBytes = track.nalLengthBytes ?? 4;
	const format = nalFormatOfFrame(frame, lengthBytes);
	if (format === 'annex-b') return splitAnnexB(frame);
	if (format === null) {
		throw new MediaError(
			'KVS_MEDIA_UNSUPPORTED',
			`a frame of ${frame.byteLength} bytes in track ${track.number}, neither with start codes nor with lengths of ${lengthBytes} bytes`,
		);
	}
	const units: Uint8Array[] = [];
	for (let at = 0; at < frame.byteLength; ) {
		let length = 0;
		for (let i = 0; i < lengthBytes; i++) length = length * 256 + (frame[at + i] as number);
		at += lengthBytes;
		if (length > 0) units.push(frame.subarray(at, at + length));
		at += length;
	}
	return units;
}
