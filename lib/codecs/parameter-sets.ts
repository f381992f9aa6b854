/** NAL units that a decoder needs before the first picture: VPS (H.265 only), SPS and PPS. Views. */
export type ParameterSets = readonly Uint8Array[];

const AVC_SPS = 7;
const AVC_PPS = 8;
const HEVC_SPS = 33;
const HEVC_PPS = 34;

/** Where the arrays begin in the records: behind the count of SPS, and behind the count of arrays. */
const AVC_HEAD_BYTES = 5;
const HEVC_HEAD_BYTES = 22;

/** Type of a NAL unit of H.264 (ISO 14496-10 §7.3.1). */
export function avcNalType(unit: Uint8Array): number {
	return (unit[0] as number) & 0x1f;
}

/** Type of a NAL unit of H.265 (ISO 23008-2 §7.3.1.2). */
export function hevcNalType(unit: Uint8Array): number {
	return ((unit[0] as number) >> 1) & 0x3f;
}

/**
 * The parameter sets of an AVC decoder configuration record (ISO 14496-15 §5.3.3.1). Null where it is cut or lacks the
 * sets that decoding takes.
 */
export function avcParameterSets(record: Uint8Array): ParameterSets | null {
	const reader = new RecordReader(record, AVC_HEAD_BYTES);
	const units = [...reader.units(reader.byte() & 0x1f), ...reader.units(reader.byte())];
	return reader.isCut || !hasTypes(units, avcNalType, [AVC_SPS, AVC_PPS]) ? null : units;
}

/**
 * The NAL units of an HEVC decoder configuration record (ISO 14496-15 §8.3.3.1), in its order. Null where it is cut or
 * lacks the sets that decoding takes.
 */
export function hevcParameterSets(record: Uint8Array): ParameterSets | null {
	const reader = new RecordReader(record, HEVC_HEAD_BYTES);
	const units: Uint8Array[] = [];
	for (let arrays = reader.byte(); arrays > 0 && !reader.isCut; arrays--) {
		reader.byte();
		units.push(...reader.units(reader.byte() * 256 + reader.byte()));
	}
	return reader.isCut || !hasTypes(units, hevcNalType, [HEVC_SPS, HEVC_PPS]) ? null : units;
}

function hasTypes(
	units: readonly Uint8Array[],
	typeOf: (unit: Uint8Array) => number,
	types: readonly number[],
): boolean {
	return types.every((type) => units.some((unit) => typeOf(unit) === type));
}

/** Reads units behind lengths of two bytes; remembers where there were fewer bytes than said. */
class RecordReader {
	isCut = false;
	readonly #record: Uint8Array;
	#position: number;

	constructor(record: Uint8Array, position: number) {
		this.#record = record;
		this.#position = position;
	}

	byte(): number {
		const value = this.#record[this.#position++];
		if (value === undefined) this.isCut = true;
		return value ?? 0;
	}

	units(count: number): Uint8Array[] {
		const units: Uint8Array[] = [];
		for (let left = count; left > 0 && !this.isCut; left--) {
			const length = this.byte() * 256 + this.byte();
			const end = this.#position + length;
			if (length === 0 || end > this.#record.byteLength) this.isCut = true;
			else units.push(this.#record.subarray(this.#position, end));
			this.#position = end;
		}
		return units;
	}
}
