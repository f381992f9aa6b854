import { MediaError } from '../errors.js';
import type { Track } from '../model/track.js';
import { counted } from '../wording/counted.js';
import { changedTrack } from './changed-track.js';
import { registeredCodecId } from './codec.js';
import { nalUnitsOf } from './nal/access-unit.js';
import { decoderRecord, RECORD_LENGTH_BYTES, readVideoSize } from './nal/decoder-record.js';
import { hasStartCode, type NalCodec, nalFormatOfFrame, nalTypeOf, splitAnnexB } from './nal/nal-format.js';
import {
	areSetsComplete,
	parameterSetsAmong,
	recordParameterSets,
	SPS_TYPE,
	storedParameterSets,
} from './nal/parameter-sets.js';
import type { TrackMedia } from './track-media.js';
import { readAvcConfiguration, readHevcConfiguration } from './video-configuration.js';
import type { VideoSize } from './video-size.js';

const NONE: readonly Uint8Array[] = [];

/** What a track of H.264 or H.265 holds: see {@link TrackMedia}. */
export function videoMedia(track: Track, codec: NalCodec, frames: Iterable<Uint8Array>): TrackMedia {
	const record = recordOf(track, codec) ?? recordOfFrames(track, codec, frames);
	if (record === null) {
		const sets = codec === 'avc' ? 'SPS and PPS' : 'VPS, SPS and PPS';
		const lack = track.codecPrivate === null ? 'no CodecPrivate' : 'a CodecPrivate without parameter sets';
		return {
			track: changedTrack(track, { codecId: registeredCodecId(track.codecId) }),
			missing: `${lack}, and its key frames hold no ${sets}`,
			frames: (stored) => (isEmptyAccessUnit(stored) ? NONE : [stored]),
			isWhole: (frame) =>
				nalFormatOfFrame(frame, codec, track.nalLengthBytes ?? RECORD_LENGTH_BYTES) !== null,
		};
	}
	const read = codec === 'avc' ? readAvcConfiguration : readHevcConfiguration;
	const { codec: codecString = null, nalLengthBytes = null } = read(record) ?? {};
	const lengthBytes = nalLengthBytes ?? RECORD_LENGTH_BYTES;
	const canonical = changedTrack(track, {
		codecId: registeredCodecId(track.codecId),
		codec: codecString,
		codecPrivate: record,
		nalFormat: 'length-prefixed',
		nalLengthBytes: lengthBytes,
		...sizeOf(track, storedParameterSets(record, codec), codec),
	});
	return {
		track: canonical,
		missing: canonical.width && canonical.height ? null : 'no width and height',
		frames: (stored) => framesOf(stored, codec, lengthBytes, canonical),
		isWhole: (frame) => nalFormatOfFrame(frame, codec, lengthBytes) === 'length-prefixed',
	};
}

/** The track's decoder configuration record: its CodecPrivate, or made of the parameter sets there; null where these are not whole. */
function recordOf({ codecPrivate }: Track, codec: NalCodec): Uint8Array | null {
	if (codecPrivate === null) return null;
	if (!hasStartCode(codecPrivate)) {
		return recordParameterSets(codecPrivate, codec) === null ? null : codecPrivate;
	}
	const sets = storedParameterSets(codecPrivate, codec);
	return areSetsComplete(sets, codec) ? decoderRecord(sets, codec) : null;
}

/** The record of the first frame that has parameter sets; kinds it lacks are taken from the CodecPrivate. */
function recordOfFrames(track: Track, codec: NalCodec, frames: Iterable<Uint8Array>): Uint8Array | null {
	const stored = track.codecPrivate === null ? [] : storedParameterSets(track.codecPrivate, codec);
	for (const frame of frames) {
		const own = parameterSetsAmong(nalUnitsOf(frame, track) ?? [], codec);
		if (own.length === 0) continue;
		const types = new Set(own.map((set) => nalTypeOf(set, codec)));
		const sets = [...stored.filter((set) => !types.has(nalTypeOf(set, codec))), ...own];
		const record = areSetsComplete(sets, codec) ? decoderRecord(sets, codec) : null;
		if (record !== null) return record;
	}
	return null;
}

/** The size by the parameter sets, unless the container has the size of one of them, or none can be read. */
function sizeOf(
	{ width, height }: Track,
	sets: readonly Uint8Array[],
	codec: NalCodec,
): { width?: number; height?: number } {
	const sizes = sets
		.filter((set) => nalTypeOf(set, codec) === SPS_TYPE[codec])
		.map((set) => readVideoSize(set, codec))
		.filter((size): size is VideoSize => size !== null);
	const [first] = sizes;
	if (first === undefined || sizes.some((size) => size.width === width && size.height === height)) return {};
	return { width: first.width, height: first.height };
}

function framesOf(
	stored: Uint8Array,
	codec: NalCodec,
	lengthBytes: number,
	track: Track,
): readonly Uint8Array[] {
	const format = nalFormatOfFrame(stored, codec, lengthBytes);
	if (format !== 'annex-b') return isEmptyAccessUnit(stored) ? NONE : [stored];
	const units = splitAnnexB(stored);
	return units.length === 0 ? NONE : [withLengths(units, lengthBytes, track)];
}

/** Whether a frame of H.264 or H.265 holds nothing at all: zeros are lengths of empty NAL units, or belong to start codes. */
export function isEmptyAccessUnit(stored: Uint8Array): boolean {
	let at = 0;
	while (stored[at] === 0) at++;
	return at === stored.byteLength || (at >= 2 && stored[at] === 1 && splitAnnexB(stored).length === 0);
}

function withLengths(units: readonly Uint8Array[], lengthBytes: number, { number }: Track): Uint8Array {
	const sizeBytes = units.reduce((sum, { byteLength }) => sum + lengthBytes + byteLength, 0);
	const frame = Buffer.allocUnsafeSlow(sizeBytes);
	let at = 0;
	for (const unit of units) {
		if (unit.byteLength >= 2 ** (8 * lengthBytes)) {
			throw new MediaError(
				'KVS_MEDIA_UNSUPPORTED',
				`a NAL unit of ${counted(unit.byteLength, 'byte')} in track ${number}, whose lengths have ${counted(lengthBytes, 'byte')}`,
			);
		}
		at = frame.writeUIntBE(unit.byteLength, at, lengthBytes);
		frame.set(unit, at);
		at += unit.byteLength;
	}
	return frame;
}
