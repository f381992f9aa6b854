import type { Track } from '../../model/track.js';
import { AccessUnit, isSliceType, nalCodecOf } from './access-unit.js';
import { nalTypeOf } from './nal-format.js';

/**
 * What is wrong with a frame of H.264 or H.265 that no decoder is needed to see; null where there is nothing, and for other
 * codecs. Lengths that do not add up to the frame's size, forbidden_zero_bit (ISO 14496-10 §7.4.1, ISO 23008-2 §7.4.2.2),
 * an H.265 header without a temporal id, and bytes in a slice that emulation prevention rules out (§7.4.1: 00 00 00 to 00 00 02).
 */
export function accessUnitDamage(track: Track, data: Uint8Array): string | null {
	const codec = nalCodecOf(track);
	if (codec === null) return null;
	const units = AccessUnit.of({ track, data })?.units;
	if (units === undefined) return 'the lengths of its NAL units do not match its size';
	for (const unit of units) {
		if (((unit[0] as number) & 0x80) !== 0) return 'a NAL unit has its forbidden_zero_bit set';
		if (codec === 'hevc' && ((unit[1] ?? 0) & 7) === 0) return 'a NAL unit has no temporal id';
		if (isSliceType(nalTypeOf(unit, codec), codec) && hasForbiddenBytes(unit)) {
			return 'a slice contains bytes that no slice may contain (00 00 00 to 00 00 02)';
		}
	}
	return null;
}

/** Zeros at the end are left out: producers put padding there. */
function hasForbiddenBytes(unit: Uint8Array): boolean {
	let end = unit.byteLength;
	while (end > 0 && unit[end - 1] === 0) end--;
	const bytes = Buffer.from(unit.buffer, unit.byteOffset, end);
	for (let at = bytes.indexOf(ZEROS); at >= 0; at = bytes.indexOf(ZEROS, at + 1)) {
		const next = bytes[at + 2];
		if (next !== undefined && next <= 2) return true;
	}
	return false;
}

const ZEROS = Uint8Array.of(0, 0);
