import { type Box, fullBox, uint32, uint64 } from './box.js';

/** What a header says: in its own timescale, or in that of the file (`tkhd`). */
export interface HeaderTimes {
	/** Ticks a second; left out for a `tkhd`, which has none. */
	readonly timescale?: number;
	/** @default 0: not known yet */
	readonly duration?: number;
}

/**
 * An `mvhd`, `mdhd` (dates, timescale, duration) or `tkhd` (dates, track id, reserved, duration) in version 1, with these
 * times and without a date. What else it says stays.
 */
export function wideHeader({ type, fields }: Box, { timescale, duration = 0 }: HeaderTimes): Box {
	const bytes = Buffer.from(fields);
	const isWide = bytes[0] === 1;
	const datesEnd = isWide ? 20 : 12;
	const beforeDuration = type === 'tkhd' ? 8 : 4;
	const restStart = datesEnd + beforeDuration + (isWide ? 8 : 4);
	const middle = bytes.subarray(datesEnd, datesEnd + beforeDuration);
	return fullBox(type, 1, bytes.readUIntBE(1, 3), [
		uint64(0),
		uint64(0),
		timescale === undefined ? middle : uint32(timescale),
		uint64(duration),
		bytes.subarray(restStart),
	]);
}
