import { hasStartCode, type NalFormat, splitAnnexB, withoutEmulationPrevention } from './nal/nal-format.js';
import { readAvcVideoSize, readHevcVideoSize, type VideoSize } from './video-size.js';

/** What the CodecPrivate of an H.264 or H.265 track says. */
export interface VideoConfiguration {
	/** RFC 6381 codec string. Null where it has no parameter sets to tell it by. */
	readonly codec: string | null;
	/** How the NAL units of the frames are delimited. */
	readonly nalFormat: NalFormat;
	/** Bytes of a length, 1 to 4. Null for Annex B. */
	readonly nalLengthBytes: number | null;
	/** Null where there is no sequence parameter set, or it cannot be read. */
	readonly size: VideoSize | null;
}

const AVC_SPS = 7;
const HEVC_SPS = 33;

/**
 * Reads the CodecPrivate of an H.264 track: an AVC decoder configuration record (ISO 14496-15 §5.3.3.1), or bare
 * parameter sets with start codes, as some producers send them. Null where it is neither.
 *
 * The record's reserved bits are not looked at: recorders of the service's own samples leave them zero.
 */
export function readAvcConfiguration(codecPrivate: Uint8Array): VideoConfiguration | null {
	if (hasStartCode(codecPrivate)) {
		const set = splitAnnexB(codecPrivate).find((unit) => ((unit[0] as number) & 0x1f) === AVC_SPS);
		return annexB(set, set && avcCodec(set.subarray(1)), readAvcVideoSize);
	}
	if (codecPrivate.byteLength < 7 || codecPrivate[0] !== 1) return null;
	const setCount = (codecPrivate[5] as number) & 0x1f;
	const set = setCount === 0 ? undefined : sizedUnit(codecPrivate, 6);
	return {
		codec: avcCodec(codecPrivate.subarray(1)),
		nalFormat: 'length-prefixed',
		nalLengthBytes: ((codecPrivate[4] as number) & 0x03) + 1,
		size: set === undefined ? null : readAvcVideoSize(set),
	};
}

/**
 * Reads the CodecPrivate of an H.265 track: an HEVC decoder configuration record (ISO 14496-15 §8.3.3.1), or bare
 * parameter sets with start codes. Null where it is neither.
 */
export function readHevcConfiguration(codecPrivate: Uint8Array): VideoConfiguration | null {
	if (hasStartCode(codecPrivate)) {
		const set = splitAnnexB(codecPrivate).find((unit) => (((unit[0] as number) >> 1) & 0x3f) === HEVC_SPS);
		// Two bytes of NAL unit header and one of ids; the profile follows as it stands in the record (§7.3.2.2).
		return annexB(set, set && hevcCodec(withoutEmulationPrevention(set).subarray(3)), readHevcVideoSize);
	}
	// Version 0 is what drafts of the standard wrote, and recorders still do.
	if (codecPrivate.byteLength < 23 || (codecPrivate[0] as number) > 1) return null;
	const set = hevcParameterSet(codecPrivate);
	return {
		codec: hevcCodec(codecPrivate.subarray(1)),
		nalFormat: 'length-prefixed',
		nalLengthBytes: ((codecPrivate[21] as number) & 0x03) + 1,
		size: set === undefined ? null : readHevcVideoSize(set),
	};
}

function annexB(
	set: Uint8Array | undefined,
	codec: string | undefined,
	readSize: (set: Uint8Array) => VideoSize | null,
): VideoConfiguration {
	const size = set === undefined ? null : readSize(set);
	return { codec: codec ?? null, nalFormat: 'annex-b', nalLengthBytes: null, size };
}

/** Profile, compatibility and level in hexadecimal (RFC 6381 §3.3). */
function avcCodec(profile: Uint8Array): string {
	const digits = Array.from(profile.subarray(0, 3), (byte) => byte.toString(16).padStart(2, '0'));
	return `avc1.${digits.join('')}`;
}

/** ISO 14496-15 §E.3: profile, compatibility flags bit-reversed, tier and level, and constraints without the zeros after them. */
function hevcCodec(profile: Uint8Array): string {
	if (profile.byteLength < 12) return 'hvc1';
	const first = profile[0] as number;
	const space = ['', 'A', 'B', 'C'][first >> 6] as string;
	const tier = (first & 0x20) === 0 ? 'L' : 'H';
	let compatibility = 0;
	for (let bit = 0; bit < 32; bit++) {
		if (((profile[1 + (bit >> 3)] as number) & (0x80 >> (bit & 7))) !== 0) compatibility += 2 ** bit;
	}
	const constraints = [...profile.subarray(5, 11)];
	while (constraints.at(-1) === 0) constraints.pop();
	return [
		`hvc1.${space}${first & 0x1f}`,
		compatibility.toString(16).toUpperCase(),
		`${tier}${profile[11]}`,
		...constraints.map((byte) => byte.toString(16).toUpperCase()),
	].join('.');
}

function hevcParameterSet(record: Uint8Array): Uint8Array | undefined {
	const arrays = record[22] as number;
	let position = 23;
	for (let array = 0; array < arrays; array++) {
		const type = (record[position] ?? 0) & 0x3f;
		const units = ((record[position + 1] ?? 0) << 8) | (record[position + 2] ?? 0);
		position += 3;
		for (let unit = 0; unit < units; unit++) {
			const body = sizedUnit(record, position);
			if (body === undefined || type === HEVC_SPS) return body;
			position += 2 + body.byteLength;
		}
	}
	return undefined;
}

/** The unit after a length of two bytes; undefined where it is cut. */
function sizedUnit(record: Uint8Array, position: number): Uint8Array | undefined {
	const length = ((record[position] ?? 0) << 8) | (record[position + 1] ?? 0);
	const end = position + 2 + length;
	return length === 0 || end > record.byteLength ? undefined : record.subarray(position + 2, end);
}
