/** An elementary stream of the program. */
export interface ProgramStream {
	readonly pid: number;
	/** What it is (ISO 13818-1 table 2-34). */
	readonly streamType: number;
}

/** H.264, H.265 and AAC with ADTS headers, as the program map names them. */
export const STREAM_TYPES = { avc: 0x1b, hevc: 0x24, adts: 0x0f } as const;

/** PID of the association table, by the standard. */
export const PAT_PID = 0;

/** PID of the map, by our choice. */
export const PMT_PID = 0x1000;
const PROGRAM_NUMBER = 1;
const TRANSPORT_STREAM_ID = 1;

const PAT_ID = 0;
const PMT_ID = 2;

/** The Program Association Table: one program (ISO 13818-1 §2.4.4.3). */
export function programAssociation(): Uint8Array {
	return section(PAT_ID, TRANSPORT_STREAM_ID, [...uint16(PROGRAM_NUMBER), ...uint16(0xe000 | PMT_PID)]);
}

/** The Program Map Table: which streams there are, and which of them carries the clock (ISO 13818-1 §2.4.4.8). */
export function programMap(streams: readonly ProgramStream[], clockPid: number): Uint8Array {
	const body = streams.flatMap(({ pid, streamType }) => [streamType, ...uint16(0xe000 | pid), 0xf0, 0]);
	return section(PMT_ID, PROGRAM_NUMBER, [...uint16(0xe000 | clockPid), 0xf0, 0, ...body]);
}

/** A section in version 0, the only one of its table, with its checksum. */
function section(tableId: number, idExtension: number, body: readonly number[]): Uint8Array {
	// After the length: five bytes of header, the body, four of checksum.
	const length = 5 + body.length + 4;
	const bytes = [tableId, ...uint16(0xb000 | length), ...uint16(idExtension), 0xc1, 0, 0, ...body];
	const sum = checksum(bytes);
	return Uint8Array.from([...bytes, ...uint16(sum >>> 16), ...uint16(sum & 0xffff)]);
}

/** CRC-32 as ISO 13818-1 annex A has it: not reflected, and not inverted at the end. */
function checksum(bytes: readonly number[]): number {
	let sum = 0xffffffff;
	for (const byte of bytes) {
		sum ^= byte << 24;
		for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum < 0 ? 0x04c11db7 : 0);
	}
	return sum >>> 0;
}

function uint16(value: number): [number, number] {
	return [value >> 8, value & 0xff];
}
