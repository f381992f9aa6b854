import { readAvcVideoSize, readHevcVideoSize, type VideoSize } from '../video-size.js';
import { type NalCodec, nalTypeOf, withoutEmulationPrevention } from './nal-format.js';
import { PARAMETER_SET_TYPES, type ParameterSets, SPS_TYPE } from './parameter-sets.js';

/** Bytes of a length in what is described by the records that are made here. */
export const RECORD_LENGTH_BYTES = 4;

/** Profiles whose record says what the chroma is like (ISO 14496-15 §5.3.3.1.2). */
const PROFILES_WITH_CHROMA: ReadonlySet<number> = new Set([100, 110, 122, 144]);

/** How many sets of a kind a record of H.264 has room for, and how many bytes each may have. */
const MAX_SPS = 31;
const MAX_PPS = 255;
const MAX_SET_BYTES = 0xffff;

/** Bytes of general_profile_space to general_level_idc (ITU-T H.265 §7.3.3), which the record has as they are. */
const PROFILE_BYTES = 12;

/** Of a sequence parameter set that cannot be read to its end: what nearly every camera sends. */
const USUAL = { chromaFormat: 1, lumaDepth: 8, chromaDepth: 8 } as const;

/** What decoded video is like, by a sequence parameter set; null where it cannot be read. */
export function readVideoSize(parameterSet: Uint8Array, codec: NalCodec): VideoSize | null {
	return codec === 'avc' ? readAvcVideoSize(parameterSet) : readHevcVideoSize(parameterSet);
}

/**
 * A decoder configuration record of parameter sets (ISO 14496-15 §5.3.3.1 for H.264, §8.3.3.1 for H.265), for frames whose NAL
 * units have {@link RECORD_LENGTH_BYTES} bytes of length in front. Null where there is no SPS, or more than a record takes.
 */
export function decoderRecord(sets: ParameterSets, codec: NalCodec): Uint8Array | null {
	const sps = sets.find((set) => nalTypeOf(set, codec) === SPS_TYPE[codec]);
	if (sps === undefined || sps.byteLength < 4) return null;
	const [first = [], second = [], third = []] = PARAMETER_SET_TYPES[codec].map((type) =>
		sets.filter((set) => nalTypeOf(set, codec) === type),
	);
	const isTooMuch = first.length > MAX_SPS || second.length > MAX_PPS || third.length > MAX_PPS;
	if (isTooMuch || sets.some(({ byteLength }) => byteLength > MAX_SET_BYTES)) return null;
	const { chromaFormat, lumaDepth, chromaDepth } = readVideoSize(sps, codec) ?? USUAL;
	// The bits above each number are reserved, and ones.
	const coding = [0xfc | chromaFormat, 0xf8 | (lumaDepth - 8), 0xf8 | (chromaDepth - 8)];
	if (codec === 'avc') {
		const profile = sps.subarray(1, 4);
		return Buffer.concat([
			Uint8Array.of(1, ...profile, 0xfc | (RECORD_LENGTH_BYTES - 1), 0xe0 | first.length),
			...first.flatMap(sized),
			Uint8Array.of(second.length),
			...second.flatMap(sized),
			Uint8Array.from(PROFILES_WITH_CHROMA.has(profile[0] as number) ? [...coding, 0] : []),
		]);
	}
	const payload = withoutEmulationPrevention(sps.subarray(2));
	const [ids = 0] = payload;
	const profile = payload.subarray(1, 1 + PROFILE_BYTES);
	if (profile.byteLength < PROFILE_BYTES) return null;
	const temporalLayers = ((ids >> 1) & 7) + 1;
	const arrays = [first, second, third].filter(({ length }) => length > 0);
	return Buffer.concat([
		Uint8Array.of(1, ...profile, 0xf0, 0, 0xfc, ...coding, 0, 0),
		Uint8Array.of((temporalLayers << 3) | ((ids & 1) << 2) | (RECORD_LENGTH_BYTES - 1), arrays.length),
		...arrays.flatMap((array) => [
			Uint8Array.of(0x80 | nalTypeOf(array[0] as Uint8Array, codec), 0, array.length),
			...array.flatMap(sized),
		]),
	]);
}

/** A parameter set with its length before it, in two bytes. */
function sized(set: Uint8Array): Uint8Array[] {
	return [Uint8Array.of(set.byteLength >> 8, set.byteLength & 0xff), set];
}
