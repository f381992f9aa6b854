import { codecDetails } from '../codecs/codec.js';
import { Track, type TrackFields, type TrackType } from '../model/track.js';
import { idOf } from './ebml-schema.js';
import {
	childrenOf,
	type Element,
	readFloat,
	readString,
	readUnsigned,
	readUnsignedNumber,
} from './element-body.js';
import { malformed } from './element-header.js';
import { MAX_TRACKS } from './limits.js';

const TRACK_ENTRY = idOf('TrackEntry');
const TRACK_NUMBER = idOf('TrackNumber');
const TRACK_UID = idOf('TrackUID');
const TRACK_TYPE = idOf('TrackType');
const CODEC_ID = idOf('CodecID');
const CODEC_PRIVATE = idOf('CodecPrivate');
const NAME = idOf('Name');
const DEFAULT_DURATION = idOf('DefaultDuration');
const VIDEO = idOf('Video');
const PIXEL_WIDTH = idOf('PixelWidth');
const PIXEL_HEIGHT = idOf('PixelHeight');
const AUDIO = idOf('Audio');
const SAMPLING_FREQUENCY = idOf('SamplingFrequency');
const CHANNELS = idOf('Channels');
const BIT_DEPTH = idOf('BitDepth');

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
	for (const element of childrenOf(copy, offset)) {
		if (element.id !== TRACK_ENTRY) continue;
		if (tracks.length === MAX_TRACKS) throw malformed(`more than ${MAX_TRACKS} tracks`, element.offset);
		const track = readTrackEntry(element);
		if (tracks.some(({ number }) => number === track.number)) {
			throw malformed(`two tracks have the number ${track.number}`, element.offset);
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
	let codecPrivate: Uint8Array | null = null;
	let defaultDurationNs: number | null = null;
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
				codecPrivate = child.body;
				break;
			case DEFAULT_DURATION:
				defaultDurationNs = readUnsignedNumber(child) || null;
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
		entry: entry.body,
		// What the container says goes before what the codec says, but not what it leaves unsaid.
		...(isMislabelled ? coding : { ...defaults, ...coding, ...container }),
		codec: coding.codec,
	});
}

function readVideo(video: Element): Partial<TrackFields> {
	const details: { width?: number; height?: number } = {};
	for (const child of childrenOf(video.body, video.offset)) {
		if (child.id === PIXEL_WIDTH) details.width = readUnsignedNumber(child);
		else if (child.id === PIXEL_HEIGHT) details.height = readUnsignedNumber(child);
	}
	return details;
}

function readAudio(audio: Element): Partial<TrackFields> {
	const details: { sampleRate?: number; channels?: number; bitDepth?: number } = {};
	for (const child of childrenOf(audio.body, audio.offset)) {
		if (child.id === SAMPLING_FREQUENCY) details.sampleRate = readFloat(child);
		else if (child.id === CHANNELS) details.channels = readUnsignedNumber(child);
		else if (child.id === BIT_DEPTH) details.bitDepth = readUnsignedNumber(child);
	}
	return details;
}
