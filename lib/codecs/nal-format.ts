/** How the NAL units of a frame are told apart: by start codes, or by their lengths in front of them. */
export type NalFormat = 'annex-b' | 'length-prefixed';

/** Whether bytes begin with a start code: 00 00 01 or 00 00 00 01 (ISO 14496-10 Annex B). */
export function hasStartCode(bytes: Uint8Array): boolean {
	if (bytes[0] !== 0 || bytes[1] !== 0) return false;
	return bytes[2] === 1 || (bytes[2] === 0 && bytes[3] === 1);
}

/**
 * How the NAL units of one frame of H.264 or H.265 are told apart, judged by its bytes. Null where they are neither.
 *
 * For tracks without a CodecPrivate, and for producers whose frames are not what their CodecPrivate promises.
 * `lengthBytes` is the length of a length: 4 unless the CodecPrivate says otherwise.
 */
export function nalFormatOfFrame(frame: Uint8Array, lengthBytes = 4): NalFormat | null {
	// Lengths first: one of 256 to 511 bytes begins 00 00 01, as a start code does, but only lengths add up.
	if (areLengthsWhole(frame, lengthBytes)) return 'length-prefixed';
	return hasStartCode(frame) ? 'annex-b' : null;
}

/** The NAL units of an Annex B byte stream, without their start codes and the zeros behind them: views. */
export function splitAnnexB(bytes: Uint8Array): Uint8Array[] {
	const units: Uint8Array[] = [];
	let start = -1;
	for (let at = 0; at + 2 < bytes.byteLength; at++) {
		if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
		if (start >= 0) units.push(trimZeros(bytes, start, at));
		start = at + 3;
	}
	if (start >= 0) units.push(trimZeros(bytes, start, bytes.byteLength));
	return units.filter(({ byteLength }) => byteLength > 0);
}

/** A NAL unit's payload as it was coded: drops the 3 of every 00 00 03, which keeps start codes out (ISO 14496-10 §7.4.1). */
export function withoutEmulationPrevention(payload: Uint8Array): Uint8Array {
	const bytes: number[] = [];
	let zeros = 0;
	for (const byte of payload) {
		if (zeros >= 2 && byte === 3) {
			zeros = 0;
			continue;
		}
		zeros = byte === 0 ? zeros + 1 : 0;
		bytes.push(byte);
	}
	return Uint8Array.from(bytes);
}

function areLengthsWhole(frame: Uint8Array, lengthBytes: number): boolean {
	let position = 0;
	while (position + lengthBytes <= frame.byteLength) {
		let length = 0;
		for (let i = 0; i < lengthBytes; i++) length = length * 256 + (frame[position + i] as number);
		position += lengthBytes + length;
	}
	return position === frame.byteLength && position > 0;
}

function trimZeros(bytes: Uint8Array, start: number, end: number): Uint8Array {
	let last = end;
	while (last > start && bytes[last - 1] === 0) last--;
	return bytes.subarray(start, last);
}
