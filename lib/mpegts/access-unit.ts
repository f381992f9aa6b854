import { nalCodecOf, nalUnitsOf } from '../codecs/nal/access-unit.js';
import { type NalCodec, nalTypeOf } from '../codecs/nal/nal-format.js';
import { SPS_TYPE } from '../codecs/nal/parameter-sets.js';
import { MediaError } from '../errors.js';
import type { Track } from '../model/track.js';
import { counted } from '../wording/counted.js';

const START_CODE = Uint8Array.of(0, 0, 0, 1);

/** Access unit delimiters that say "any kind of slice follows", and their nal_unit_type. */
const delimiters: Readonly<Record<NalCodec, { readonly type: number; readonly unit: Uint8Array }>> = {
	avc: { type: 9, unit: Uint8Array.of(0x09, 0xf0) },
	hevc: { type: 35, unit: Uint8Array.of(0x46, 0x01, 0x50) },
};

/**
 * A frame of H.264 or H.265 as a transport stream has it: a byte stream with start codes, an access unit delimiter in
 * front (ISO 13818-1 §2.14.1), and before a key frame the parameter sets, unless it brings its own. Slices.
 *
 * Throws `MediaError` (`KVS_MEDIA_UNSUPPORTED`) for a frame whose NAL units cannot be separated.
 */
export function accessUnit(
	track: Track,
	frame: Uint8Array,
	{ keyframe, parameterSets }: { keyframe: boolean; parameterSets: readonly Uint8Array[] },
): Uint8Array[] {
	const codec = nalCodecOf(track) ?? 'hevc';
	const delimiter = delimiters[codec];
	const units = nalUnits(track, frame).filter((unit) => nalTypeOf(unit, codec) !== delimiter.type);
	const needsSets = keyframe && !units.some((unit) => nalTypeOf(unit, codec) === SPS_TYPE[codec]);
	const all = [delimiter.unit, ...(needsSets ? parameterSets : []), ...units];
	return all.flatMap((unit) => [START_CODE, unit]);
}

/** The NAL units of a frame, however they are separated: views. Throws as {@link accessUnit}. */
export function nalUnits(track: Track, frame: Uint8Array): readonly Uint8Array[] {
	const units = nalUnitsOf(frame, track);
	if (units !== null) return units;
	throw new MediaError(
		'KVS_MEDIA_UNSUPPORTED',
		`a frame of ${counted(frame.byteLength, 'byte')} in track ${track.number}, neither with start codes nor with lengths of ${counted(track.nalLengthBytes ?? 4, 'byte')}`,
	);
}
