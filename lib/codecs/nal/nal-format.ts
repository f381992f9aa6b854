import { indexOfBytes } from '../../model/bytes.js';

/** How the NAL units of a frame are separated: by start codes, or by their lengths before them. */
export type NalFormat = 'annex-b' | 'length-prefixed';

/** Codecs whose access units are made of NAL units: H.264 and H.265. */
export type NalCodec = 'avc' | 'hevc';

const START_CODE = Uint8Array.of(0, 0, 1);

/** Whether bytes begin with a start code: two zeros or any number more, and a one (ISO 14496-10 Annex B). */
export function hasStartCode(bytes: Uint8Array): boolean {
	return zerosBeforeOne(bytes) >= 2;
}

/**
 * How the NAL units of one frame of H.264 or H.265 are separated, judged by its bytes. Null where they are neither.
 *
 * For tracks without a CodecPrivate, and for producers whose frames are not what their CodecPrivate promises.
 * `lengthBytes` is the length of a length: 4 unless the CodecPrivate says otherwise.
 */
export function nalFormatOfFrame(frame: Uint8Array, codec: NalCodec, lengthBytes = 4): NalFormat | null {
	const zeros = zerosBeforeOne(frame);
	// A length of 256 to 511 bytes begins 00 00 01, as the shortest start code does: what follows it decides.
	const isEither = zeros === 2 && lengthBytes === 4;
	const isLength = zeros < 2 || (isEither && isFirstHeader(frame, lengthBytes, codec));
	if ((isLength || !isEither) && areLengthsWhole(frame, lengthBytes)) return 'length-prefixed';
	// Within a NAL unit there is no start code, so that a frame whose lengths do not add up has only the one.
	return isLength && !(isEither && indexOfStartCode(frame, zeros + 1) >= 0) ? null : 'annex-b';
}

/** The NAL units of an Annex B byte stream, without their start codes and the zeros after them: views. */
export function splitAnnexB(bytes: Uint8Array): Uint8Array[] {
	const units: Uint8Array[] = [];
	let at = indexOfStartCode(bytes, 0);
	while (at >= 0) {
		const start = at + START_CODE.byteLength;
		at = indexOfStartCode(bytes, start);
		let end = at < 0 ? bytes.byteLength : at;
		while (end > start && bytes[end - 1] === 0) end--;
		if (end > start) units.push(bytes.subarray(start, end));
	}
	return units;
}

/** The NAL units of a frame with lengths before them, empty ones left out: views. The last one may be cut. */
export function splitLengths(bytes: Uint8Array, lengthBytes: number): Uint8Array[] {
	const units: Uint8Array[] = [];
	for (let at = 0; at + lengthBytes <= bytes.byteLength; ) {
		const length = lengthAt(bytes, at, lengthBytes);
		at += lengthBytes;
		if (length > 0) units.push(bytes.subarray(at, at + length));
		at += length;
	}
	return units;
}

/** nal_unit_type of a NAL unit (ISO 14496-10 §7.3.1, ISO 23008-2 §7.3.1.2). */
export function nalTypeOf(unit: Uint8Array, codec: NalCodec): number {
	const first = unit[0] ?? 0;
	return codec === 'avc' ? first & 0x1f : (first >> 1) & 0x3f;
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

function indexOfStartCode(bytes: Uint8Array, from: number): number {
	return indexOfBytes(bytes, START_CODE, from);
}

/** How many zeros there are before a one at the start; -1 where something else is there. */
function zerosBeforeOne(bytes: Uint8Array): number {
	let zeros = 0;
	while (bytes[zeros] === 0) zeros++;
	return bytes[zeros] === 1 ? zeros : -1;
}

function areLengthsWhole(frame: Uint8Array, lengthBytes: number): boolean {
	let position = 0;
	while (position + lengthBytes <= frame.byteLength) {
		position += lengthBytes + lengthAt(frame, position, lengthBytes);
	}
	return position === frame.byteLength && position > 0;
}

function lengthAt(bytes: Uint8Array, at: number, lengthBytes: number): number {
	let length = 0;
	for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[at + i] as number);
	return length;
}

/**
 * nal_unit_type of what an access unit of H.264 begins with, and whether its nal_ref_idc must be 0, or must not be
 * (ISO 14496-10 §7.4.1); undefined where it is free.
 */
const avcFirstTypes: ReadonlyMap<number, boolean | undefined> = new Map([
	[1, undefined],
	[5, false],
	[6, true],
	[7, false],
	[8, false],
	[9, true],
]);

/** Whether the header of a NAL unit that an access unit may begin with comes after the first length. */
function isFirstHeader(frame: Uint8Array, lengthBytes: number, codec: NalCodec): boolean {
	const first = frame[lengthBytes] ?? 0x80;
	if (codec === 'avc') {
		if ((first & 0x80) !== 0 || !avcFirstTypes.has(first & 0x1f)) return false;
		const isUnreferenced = avcFirstTypes.get(first & 0x1f);
		return isUnreferenced === undefined || isUnreferenced === ((first & 0x60) === 0);
	}
	// forbidden_zero_bit and a layer of 0, and a temporal id (ISO 23008-2 §7.3.1.2).
	const second = frame[lengthBytes + 1] ?? 0;
	return (first & 0x81) === 0 && second >= 1 && second <= 7;
}
