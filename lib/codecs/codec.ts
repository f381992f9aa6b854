import {
	type AudioConfiguration,
	pcmCodec,
	readAudioSpecificConfig,
	readWaveFormat,
} from './audio-configuration.js';
import type { NalFormat } from './nal/nal-format.js';
import {
	readAvcConfiguration,
	readHevcConfiguration,
	type VideoConfiguration,
} from './video-configuration.js';

/** Spellings of CodecIDs that producers use and the Matroska registry does not know. */
const registeredCodecIds = new Map([
	['V_MPEG/ISO/AVC', 'V_MPEG4/ISO/AVC'],
	['V_MPEG/ISO/HEVC', 'V_MPEGH/ISO/HEVC'],
]);

/** What is known of a track's coding beyond its CodecID. A field is absent where nothing says it. */
export interface CodecDetails {
	/** RFC 6381 codec string, or the name in the WebCodecs registry; null where neither is known. */
	readonly codec: string | null;
	/** Pixels. */
	readonly width?: number;
	/** Pixels. */
	readonly height?: number;
	/** Hz. */
	readonly sampleRate?: number;
	readonly channels?: number;
	/** Bits a sample. */
	readonly bitDepth?: number;
	readonly nalFormat?: NalFormat;
	readonly nalLengthBytes?: number;
	/** The CodecID is wrong, and with it all the container says of the audio: these details replace it. */
	readonly isMislabelled?: boolean;
}

/** What is asked of {@link codecDetails}. */
export interface CodecFields {
	readonly codecId: string;
	readonly codecPrivate: Uint8Array | null;
	/** Name of the track. Needed for Amazon Connect only. */
	readonly name?: string | null | undefined;
	/** Bits a sample by the container. Needed for PCM only. */
	readonly bitDepth?: number | undefined;
}

/**
 * The CodecID as the Matroska registry spells it. The service and its producer SDK write `V_MPEG/ISO/AVC`, which no
 * player knows.
 */
export function registeredCodecId(codecId: string): string {
	return registeredCodecIds.get(codecId) ?? codecId;
}

/** The codec string of a track (`avc1.42c028`, `mp4a.40.2`, `ulaw`), null where it is not known. */
export function codecString(codecId: string, codecPrivate: Uint8Array | null): string | null {
	return codecDetails({ codecId, codecPrivate }).codec;
}

/**
 * What Amazon Connect's tracks hold, whatever their CodecID says: it writes `A_AAC` over 16-bit PCM. Nothing but the name
 * gives them away (they have no Audio element and no CodecPrivate).
 */
const CONNECT_AUDIO: CodecDetails = {
	codec: 'pcm-s16',
	sampleRate: 8000,
	channels: 1,
	bitDepth: 16,
	isMislabelled: true,
};

/** Whether a track of that name is one of Amazon Connect's (or of its older spelling, `Track_audio/L16`). */
export function isConnectTrackName(name: string | null): boolean {
	return name !== null && /^(?:AUDIO_(?:FROM|TO)_CUSTOMER|Track_audio\/L16)$/.test(name);
}

/** What is known of a track's coding: parsed out of its CodecPrivate, where there is one that can be read. */
export function codecDetails({ codecId, codecPrivate, name = null, bitDepth }: CodecFields): CodecDetails {
	const config = codecPrivate ?? new Uint8Array(0);
	const id = registeredCodecId(codecId);
	switch (id) {
		case 'V_MPEG4/ISO/AVC':
			return videoDetails(readAvcConfiguration(config));
		case 'V_MPEGH/ISO/HEVC':
			return videoDetails(readHevcConfiguration(config));
		case 'V_AV1':
			return { codec: av1Codec(config) };
		case 'V_VP9':
			return { codec: vp9Codec(config) };
		case 'V_MS/VFW/FOURCC':
			return { codec: null, ...bitmapSize(config) };
		case 'A_AAC':
			if (isConnectTrackName(name)) return CONNECT_AUDIO;
			return audioDetails(readAudioSpecificConfig(config));
		case 'A_MS/ACM':
			return audioDetails(readWaveFormat(config));
		case 'A_PCM/INT/LIT':
			return { codec: pcmCodec(bitDepth ?? null, false) };
		case 'A_PCM/FLOAT/IEEE':
			return { codec: pcmCodec(bitDepth ?? null, true) };
		default:
			return { codec: codecsById.get(id) ?? null };
	}
}

/** CodecIDs that say everything: names of the WebCodecs registry, else of RFC 6381. */
const codecsById: ReadonlyMap<string, string> = new Map([
	['V_VP8', 'vp8'],
	['A_OPUS', 'opus'],
	['A_VORBIS', 'vorbis'],
	['A_FLAC', 'flac'],
	['A_MPEG/L3', 'mp3'],
	['A_AC3', 'ac-3'],
	['A_EAC3', 'ec-3'],
	// Spellings from before AAC had a CodecPrivate.
	['A_AAC/MPEG2/LC', 'mp4a.67'],
	['A_AAC/MPEG4/MAIN', 'mp4a.40.1'],
	['A_AAC/MPEG4/LC', 'mp4a.40.2'],
	['A_AAC/MPEG4/SSR', 'mp4a.40.3'],
	['A_AAC/MPEG4/LTP', 'mp4a.40.4'],
	['A_AAC/MPEG4/LC/SBR', 'mp4a.40.5'],
]);

function videoDetails(configuration: VideoConfiguration | null): CodecDetails {
	if (configuration === null) return { codec: null };
	const { codec, nalFormat, nalLengthBytes, size } = configuration;
	return {
		codec,
		nalFormat,
		...(nalLengthBytes === null ? {} : { nalLengthBytes }),
		...(size === null ? {} : { width: size.width, height: size.height }),
	};
}

function audioDetails(configuration: AudioConfiguration | null): CodecDetails {
	if (configuration === null) return { codec: null };
	const { codec, sampleRate, channels, bitDepth } = configuration;
	return {
		codec,
		...(sampleRate === null ? {} : { sampleRate }),
		...(channels === null ? {} : { channels }),
		...(bitDepth === null ? {} : { bitDepth }),
	};
}

/** Profile, level, tier and depth of an AV1CodecConfigurationRecord (AV1 in ISOBMFF §2.3.3, §5). */
function av1Codec(config: Uint8Array): string | null {
	if (config.byteLength < 4 || config[0] !== 0x81) return null;
	const [, profileAndLevel, rest] = config as unknown as [number, number, number];
	const profile = profileAndLevel >> 5;
	const isTwelveBit = (rest & 0x20) !== 0;
	const depth = (rest & 0x40) === 0 ? 8 : profile === 2 && isTwelveBit ? 12 : 10;
	const level = twoDigits(profileAndLevel & 0x1f);
	return `av01.${profile}.${level}${(rest & 0x80) === 0 ? 'M' : 'H'}.${twoDigits(depth)}`;
}

/** Profile, level and depth of WebM's VP9 features: triplets of id, length 1 and value. All three or nothing. */
function vp9Codec(config: Uint8Array): string | null {
	const features = new Map<number, number>();
	for (let at = 0; at + 2 < config.byteLength && config[at + 1] === 1; at += 3) {
		features.set(config[at] as number, config[at + 2] as number);
	}
	const [profile, level, depth] = [features.get(1), features.get(2), features.get(3)];
	if (profile === undefined || level === undefined || depth === undefined) return null;
	return `vp09.${twoDigits(profile)}.${twoDigits(level)}.${twoDigits(depth)}`;
}

/** Width and height of a BITMAPINFOHEADER; a negative height says that the rows begin at the top. */
function bitmapSize(config: Uint8Array): { width?: number; height?: number } {
	if (config.byteLength < 12) return {};
	const view = new DataView(config.buffer, config.byteOffset, config.byteLength);
	const [width, height] = [view.getInt32(4, true), Math.abs(view.getInt32(8, true))];
	return width > 0 && height > 0 ? { width, height } : {};
}

function twoDigits(value: number): string {
	return String(value).padStart(2, '0');
}
