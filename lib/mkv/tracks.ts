import { codecDetails } from '../codecs/codec.js';
import { ID, idOf } from '../ebml/ebml-schema.js';
import { element } from '../ebml/ebml-writer.js';
import {
	childrenOf,
	type Element,
	ElementCursor,
	readFloat,
	readString,
	readUnsigned,
	readUnsignedNumber,
} from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';
import { concatBytes } from '../model/bytes.js';
import { Track, type TrackFields, type TrackType } from '../model/track.js';
import { type ContentDecoding, readContentEncodings, unsupportedEncoding } from './content-encoding.js';
import { MAX_TRACKS } from './limits.js';

const TRACK_ENTRY = idOf('TrackEntry');
const TRACK_NUMBER = idOf('TrackNumber');
const TRACK_UID = idOf('TrackUID');
const TRACK_TYPE = idOf('TrackType');
const CODEC_ID = idOf('CodecID');
const CODEC_PRIVATE = idOf('CodecPrivate');
const NAME = idOf('Name');
const DEFAULT_DURATION = idOf('DefaultDuration');
const CODEC_DELAY = idOf('CodecDelay');
const CONTENT_ENCODINGS = idOf('ContentEncodings');
const VIDEO = idOf('Video');
const PIXEL_WIDTH = idOf('PixelWidth');
const PIXEL_HEIGHT = idOf('PixelHeight');
const AUDIO = idOf('Audio');
const SAMPLING_FREQUENCY = idOf('SamplingFrequency');
const CHANNELS = idOf('Channels');
const BIT_DEPTH = idOf('BitDepth');

/** The schema that the ids come from is older than these. */
const PROJECTION = 0x7670;
const PROJECTION_POSE_ROLL = 0x7675;
const QUARTER_TURNS = [0, 90, 180, 270] as const;

/** Matroska §5.1.4.1.3. */
const typesByNumber: Readonly<Record<number, TrackType>> = {
	1: 'video',
	2: 'audio',
	3: 'complex',
	16: 'logo',
	17: 'subtitle',
	18: 'buttons',
	32: 'control',
	33: 'metadata',
};

/** What an Audio element means that does not say (Matroska §5.1.4.1.29). */
const DEFAULT_AUDIO = { sampleRate: 8000, channels: 1 };

/** The tracks of a Tracks element, in order. Their bytes are copied, so that they do not keep a chunk alive. */
export function readTracks(body: Uint8Array, offset = 0): Track[] {
	const tracks: Track[] = [];
	const copy = Uint8Array.from(body);
	for (const entry of childrenOf(copy, offset)) {
		if (entry.id !== TRACK_ENTRY) continue;
		if (tracks.length === MAX_TRACKS) throw malformed(`more than ${MAX_TRACKS} tracks`, entry.offset);
		const track = readTrackEntry(entry);
		if (tracks.some(({ number }) => number === track.number)) {
			throw malformed(`two tracks have the number ${track.number}`, entry.offset);
		}
		tracks.push(track);
	}
	return tracks;
}

function readTrackEntry(entry: Element): Track {
	let number = 0;
	let type: TrackType = 'other';
	let codecId = '';
	let name: string | null = null;
	let storedPrivate: Element | null = null;
	let decoding: ContentDecoding | null = null;
	let defaultDurationNs: number | null = null;
	let codecDelayNs = 0;
	let uid: bigint | null = null;
	let container: Partial<TrackFields> = {};
	let defaults: Partial<TrackFields> = {};
	for (const child of childrenOf(entry.body, entry.offset)) {
		switch (child.id) {
			case TRACK_NUMBER:
				number = readUnsignedNumber(child);
				break;
			case TRACK_UID:
				uid = readUnsigned(child);
				break;
			case TRACK_TYPE:
				type = typesByNumber[readUnsignedNumber(child)] ?? 'other';
				break;
			case CODEC_ID:
				codecId = readString(child).trimEnd();
				break;
			case NAME:
				name = readString(child).trimEnd();
				break;
			case CODEC_PRIVATE:
				storedPrivate = child;
				break;
			case CONTENT_ENCODINGS:
				decoding = readContentEncodings(child);
				break;
			case DEFAULT_DURATION:
				defaultDurationNs = readUnsignedNumber(child) || null;
				break;
			case CODEC_DELAY:
				codecDelayNs = readUnsignedNumber(child);
				break;
			case VIDEO:
				container = readVideo(child);
				break;
			case AUDIO:
				container = readAudio(child);
				defaults = DEFAULT_AUDIO;
				break;
		}
	}
	if (number === 0) throw malformed('a TrackEntry without a TrackNumber', entry.offset);
	const codecPrivate = readCodecPrivate(storedPrivate, decoding);
	const { isMislabelled = false, ...coding } = codecDetails({
		codecId,
		codecPrivate,
		name,
		bitDepth: container.bitDepth,
	});
	return new Track({
		number,
		uid,
		type,
		codecId,
		name,
		codecPrivate,
		defaultDurationNs,
		codecDelayNs,
		entry: decoding === null ? entry.body : decodedEntry(entry, codecPrivate),
		undoEncodings: decoding === null ? null : frameDecoder(number, decoding),
		// What the container says goes before what the codec says, but not what it leaves unsaid.
		...(isMislabelled ? coding : { ...defaults, ...coding, ...container }),
		codec: coding.codec,
	});
}

function readCodecPrivate(stored: Element | null, decoding: ContentDecoding | null): Uint8Array | null {
	if (stored === null || decoding === null) return stored?.body ?? null;
	if (decoding.unsupported !== null) return null;
	return decoding.codecPrivate === null ? stored.body : decoding.codecPrivate(stored.body, stored.offset);
}

/** Frames whose encoding is not supported fail one by one: what else the document says stays of use. */
function frameDecoder(trackNumber: number, { frames, unsupported }: ContentDecoding): Track['undoEncodings'] {
	if (unsupported === null) return frames;
	return (_stored, offset) => {
		throw unsupportedEncoding(trackNumber, unsupported, offset);
	};
}

/** The TrackEntry as it is once its encodings are undone; its checksum does not hold any more. */
function decodedEntry({ body, offset }: Element, codecPrivate: Uint8Array | null): Uint8Array {
	const children: Uint8Array[] = [];
	const cursor = new ElementCursor(body, 0, body.byteLength, offset);
	for (let start = 0; cursor.next(); start = cursor.end) {
		if (cursor.id === CODEC_PRIVATE && codecPrivate !== null) {
			children.push(...element('CodecPrivate', [codecPrivate]));
		} else if (![CODEC_PRIVATE, CONTENT_ENCODINGS, ID.Crc32].includes(cursor.id)) {
			children.push(body.subarray(start, cursor.end));
		}
	}
	return concatBytes(children);
}

function readVideo(video: Element): Partial<TrackFields> {
	const details: { width?: number; height?: number; rotation?: Track['rotation'] } = {};
	for (const child of childrenOf(video.body, video.offset)) {
		if (child.id === PIXEL_WIDTH) details.width = readUnsignedNumber(child);
		else if (child.id === PIXEL_HEIGHT) details.height = readUnsignedNumber(child);
		else if (child.id === PROJECTION) details.rotation = readRotation(child);
	}
	return details;
}

/** ProjectionPoseRoll turns counter-clockwise, in degrees (RFC 9559). */
function readRotation(projection: Element): Track['rotation'] {
	for (const child of childrenOf(projection.body, projection.offset)) {
		if (child.id !== PROJECTION_POSE_ROLL) continue;
		const quarters = Math.round(-readFloat(child) / 90) % 4;
		return QUARTER_TURNS[(quarters + 4) % 4] ?? 0;
	}
	return 0;
}

function readAudio(audio: Element): Partial<TrackFields> {
	const details: { sampleRate?: number; channels?: number; bitDepth?: number } = {};
	for (const child of childrenOf(audio.body, audio.offset)) {
		if (child.id === SAMPLING_FREQUENCY) {
			// A rate of 0 is one that the producer did not know; what else is not a rate says as little.
			const sampleRate = readFloat(child);
			if (sampleRate > 0 && Number.isFinite(sampleRate)) details.sampleRate = sampleRate;
		} else if (child.id === CHANNELS) details.channels = readUnsignedNumber(child);
		else if (child.id === BIT_DEPTH) details.bitDepth = readUnsignedNumber(child);
	}
	return details;
}
