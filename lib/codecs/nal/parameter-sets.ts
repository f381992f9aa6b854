import { areEqual } from '../../model/bytes.js';
import { hasStartCode, type NalCodec, nalTypeOf, splitAnnexB } from './nal-format.js';

/** NAL units that a decoder needs before the first picture: VPS (H.265 only), SPS and PPS. Views. */
export type ParameterSets = readonly Uint8Array[];

/** nal_unit_type of parameter sets: SPS and PPS (ISO 14496-10 Table 7-1), VPS, SPS and PPS (ISO 23008-2 Table 7-1). */
export const PARAMETER_SET_TYPES: Readonly<Record<NalCodec, readonly number[]>> = {
	avc: [7, 8],
	hevc: [32, 33, 34],
};

/** nal_unit_type of a sequence parameter set. */
export const SPS_TYPE: Readonly<Record<NalCodec, number>> = { avc: 7, hevc: 33 };

/** What decoding takes: a record of H.265 without its VPS is common, and decoders do without. */
const NEEDED_TYPES: Readonly<Record<NalCodec, readonly number[]>> = { avc: [7, 8], hevc: [33, 34] };

/** Where the arrays begin in the records: at the count of SPS, and at the count of arrays. */
const HEAD_BYTES: Readonly<Record<NalCodec, number>> = { avc: 5, hevc: 22 };

/** Whether there are all the parameter sets that decoding takes: an SPS and a PPS. */
export function areSetsComplete(units: readonly Uint8Array[], codec: NalCodec): boolean {
	return NEEDED_TYPES[codec].every((type) => units.some((unit) => nalTypeOf(unit, codec) === type));
}

/** The parameter sets among NAL units, in their order, each once. */
export function parameterSetsAmong(units: readonly Uint8Array[], codec: NalCodec): Uint8Array[] {
	const sets = units.filter((unit) => PARAMETER_SET_TYPES[codec].includes(nalTypeOf(unit, codec)));
	return sets.filter((set, index) => sets.findIndex((other) => areEqual(other, set)) === index);
}

/**
 * The parameter sets of an AVC decoder configuration record (ISO 14496-15 §5.3.3.1). Null where it is cut or lacks the
 * sets that decoding takes.
 */
export function avcParameterSets(record: Uint8Array): ParameterSets | null {
	return recordParameterSets(record, 'avc');
}

/**
 * The NAL units of an HEVC decoder configuration record (ISO 14496-15 §8.3.3.1), in its order. Null where it is cut or
 * lacks the sets that decoding takes.
 */
export function hevcParameterSets(record: Uint8Array): ParameterSets | null {
	return recordParameterSets(record, 'hevc');
}

/** The NAL units of a decoder configuration record; null where it is cut or lacks the sets that decoding takes. */
export function recordParameterSets(record: Uint8Array, codec: NalCodec): ParameterSets | null {
	const { units, isCut } = readRecord(record, codec);
	return isCut || !areSetsComplete(units, codec) ? null : units;
}

/**
 * The parameter sets of a CodecPrivate, as far as they can be read: of a decoder configuration record, or with start codes, as
 * some producers send them.
 */
export function storedParameterSets(codecPrivate: Uint8Array, codec: NalCodec): Uint8Array[] {
	const units = hasStartCode(codecPrivate)
		? splitAnnexB(codecPrivate)
		: readRecord(codecPrivate, codec).units;
	return parameterSetsAmong(units, codec);
}

function readRecord(record: Uint8Array, codec: NalCodec): { units: Uint8Array[]; isCut: boolean } {
	const reader = new RecordReader(record, HEAD_BYTES[codec]);
	const units: Uint8Array[] = [];
	if (codec === 'avc') {
		units.push(...reader.units(reader.byte() & 0x1f), ...reader.units(reader.byte()));
	} else {
		for (let arrays = reader.byte(); arrays > 0 && !reader.isCut; arrays--) {
			reader.byte();
			units.push(...reader.units(reader.byte() * 256 + reader.byte()));
		}
	}
	return { units, isCut: reader.isCut };
}

/** Reads units after lengths of two bytes; remembers where there were fewer bytes than said. */
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
