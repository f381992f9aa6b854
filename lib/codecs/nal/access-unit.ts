import { InvalidOptionError } from '../../errors.js';
import type { Track } from '../../model/track.js';
import { registeredCodecId } from '../codec.js';
import {
	type NalCodec,
	type NalFormat,
	nalFormatOfFrame,
	nalTypeOf,
	splitAnnexB,
	splitLengths,
} from './nal-format.js';
import { PARAMETER_SET_TYPES, storedParameterSets } from './parameter-sets.js';

/** How an access unit is handed on: as the producer sent it, or with its NAL units separated in one of two ways. */
export type AccessUnitForm = 'stored' | NalFormat;

/** Throws {@link InvalidOptionError} for an unknown form. */
export function checkAccessUnitForm(form: unknown): void {
	if (form !== 'stored' && form !== 'annex-b' && form !== 'length-prefixed') {
		throw new InvalidOptionError('as', "'stored', 'annex-b' or 'length-prefixed'", form);
	}
}

const START_CODE = Uint8Array.of(0, 0, 0, 1);
const LENGTH_BYTES = 4;

/** nal_unit_type of slices of pictures that refer to nothing, nor are numbered on: IDR; in H.265 BLA and IDR. */
const RESETS: Readonly<Record<NalCodec, readonly number[]>> = { avc: [5], hevc: [16, 17, 18, 19, 20] };

/** nal_unit_type of H.265 slices: of a key frame that is numbered on from the frames before it, and of one that is not. */
const CRA = 21;
const BLA = 16;

/** nal_unit_type of an access unit delimiter, which has to come first. */
const DELIMITER: Readonly<Record<NalCodec, number>> = { avc: 9, hevc: 35 };

/**
 * A frame of H.264 or H.265, divided into its NAL units once.
 *
 * Views of the frame's bytes, which must not change.
 */
export class AccessUnit {
	readonly codec: NalCodec;
	/** In their order, without start codes or lengths. */
	readonly units: readonly Uint8Array[];
	readonly #track: Track;

	private constructor(codec: NalCodec, units: readonly Uint8Array[], track: Track) {
		this.codec = codec;
		this.units = units;
		this.#track = track;
	}

	/** The access unit that a frame is; null for other codecs, and for bytes that are neither form. */
	static of({ track, data }: StoredFrame): AccessUnit | null {
		const codec = nalCodecOf(track);
		const units = codec === null ? null : nalUnitsOf(data, track);
		return codec === null || units === null ? null : new AccessUnit(codec, units, track);
	}

	/** Its parameter sets, one after the other with start codes; empty where it has none. */
	get parameterSets(): Uint8Array {
		return join(
			this.units.filter((unit) => PARAMETER_SET_TYPES[this.codec].includes(this.#typeOf(unit))),
			'annex-b',
		);
	}

	/**
	 * Whether other frames may refer to this one: true unless its NAL units say that none does (nal_ref_idc 0 in H.264, a
	 * sub-layer non-reference picture in H.265).
	 */
	get isReferenceFrame(): boolean {
		const slices = this.units.filter((unit) => isSliceType(this.#typeOf(unit), this.codec));
		if (slices.length === 0) return true;
		return slices.some((unit) => {
			if (this.codec === 'avc') return ((unit[0] as number) & 0x60) !== 0;
			const type = this.#typeOf(unit);
			return type > 14 || type % 2 === 1;
		});
	}

	/**
	 * Whether a decoder that comes to this key frame starts anew, whatever it was given before: not at a key frame of an open
	 * group of pictures (a recovery point in H.264, a CRA in H.265), which is numbered on from the frames before it.
	 */
	get startsClosedGop(): boolean {
		return this.units.some((unit) => RESETS[this.codec].includes(this.#typeOf(unit)));
	}

	/** How many slices a decoder finds in it. */
	get sliceCount(): number {
		return this.units.filter((unit) => isSliceType(this.#typeOf(unit), this.codec)).length;
	}

	/**
	 * A copy with start codes of four bytes (ISO 14496-10 Annex B), or with a length of four bytes before each NAL unit. A key
	 * frame that lacks parameter sets gets the track's own, at its start (after its delimiter).
	 */
	toForm(form: NalFormat, keyframe: boolean): Uint8Array {
		const { units, codec } = this;
		const sets = keyframe ? missingParameterSets(units, this.#track, codec) : [];
		const first = units[0];
		const hasDelimiter = first !== undefined && this.#typeOf(first) === DELIMITER[codec];
		return join(hasDelimiter ? [first, ...sets, ...units.slice(1)] : [...sets, ...units], form);
	}

	#typeOf(unit: Uint8Array): number {
		return nalTypeOf(unit, this.codec);
	}
}

/** A frame as far as an access unit depends on it. */
interface StoredFrame {
	readonly track: Track;
	readonly data: Uint8Array;
}

/**
 * A frame of H.264 or H.265 in the form that is asked for: see {@link AccessUnit.toForm}. Doing it twice changes nothing.
 * Frames of other codecs, and frames that are neither form, come back as they are: the same view. Anything else is a copy.
 */
export function toAccessUnit(
	frame: StoredFrame & { readonly keyframe: boolean },
	form: AccessUnitForm,
): Uint8Array {
	if (form === 'stored') return frame.data;
	return AccessUnit.of(frame)?.toForm(form, frame.keyframe) ?? frame.data;
}

/** Whether other frames may refer to a frame; true for codecs whose frames do not say. */
export function isReferenceFrame(frame: StoredFrame): boolean {
	return AccessUnit.of(frame)?.isReferenceFrame ?? true;
}

/** Whether a key frame begins a closed group of pictures; true for codecs that have no other. */
export function startsClosedGop(frame: StoredFrame): boolean {
	return AccessUnit.of(frame)?.startsClosedGop ?? true;
}

/**
 * An H.265 access unit of Annex B whose CRA slices are made BLA slices, in place: what a splicer does so that a decoder
 * does not number the picture on from what was before (ISO 23008-2 §8.1.3). Nothing else in them differs.
 */
export function withBrokenLink(annexB: Uint8Array): Uint8Array {
	for (const unit of splitAnnexB(annexB)) {
		if (nalTypeOf(unit, 'hevc') === CRA) unit[0] = ((unit[0] as number) & 0x81) | (BLA << 1);
	}
	return annexB;
}

/** Whether a nal_unit_type is that of a slice (ISO 14496-10 Table 7-1, ISO 23008-2 Table 7-1). */
export function isSliceType(type: number, codec: NalCodec): boolean {
	return codec === 'avc' ? type >= 1 && type <= 5 : type < 32;
}

/** The codec of a track whose access units are made of NAL units; null for any other. */
export function nalCodecOf({ codecId }: Track): NalCodec | null {
	const id = registeredCodecId(codecId);
	if (id === 'V_MPEG4/ISO/AVC') return 'avc';
	return id === 'V_MPEGH/ISO/HEVC' ? 'hevc' : null;
}

interface DividedFrame {
	readonly lengthBytes: number;
	readonly units: readonly Uint8Array[] | null;
}

/** Several stages look at the same frame: each is divided once. */
const divided = new WeakMap<Uint8Array, DividedFrame>();

/** The NAL units of a frame, in either form: views. Null where it is neither. */
export function nalUnitsOf(data: Uint8Array, track: Track): readonly Uint8Array[] | null {
	const codec = nalCodecOf(track);
	if (codec === null) return null;
	const lengthBytes = track.nalLengthBytes ?? LENGTH_BYTES;
	const known = divided.get(data);
	if (known?.lengthBytes === lengthBytes) return known.units;
	const units = divide(data, codec, lengthBytes);
	divided.set(data, { lengthBytes, units });
	return units;
}

function divide(data: Uint8Array, codec: NalCodec, lengthBytes: number): Uint8Array[] | null {
	const format = nalFormatOfFrame(data, codec, lengthBytes);
	if (format === 'annex-b') return splitAnnexB(data);
	return format === null ? null : splitLengths(data, lengthBytes);
}

function missingParameterSets(units: readonly Uint8Array[], track: Track, codec: NalCodec): Uint8Array[] {
	const present = new Set(units.map((unit) => nalTypeOf(unit, codec)));
	if (PARAMETER_SET_TYPES[codec].every((type) => present.has(type)) || track.codecPrivate === null) return [];
	// Of a kind that the frame brings itself, the frame's are the newer ones.
	return storedParameterSets(track.codecPrivate, codec).filter((set) => !present.has(nalTypeOf(set, codec)));
}

function join(units: readonly Uint8Array[], form: NalFormat): Uint8Array {
	const slices = units.flatMap((unit) => {
		if (form === 'annex-b') return [START_CODE, unit];
		const length = Buffer.alloc(LENGTH_BYTES);
		length.writeUInt32BE(unit.byteLength);
		return [length, unit];
	});
	return Buffer.concat(slices);
}
