import { BitReader } from './bit-reader.js';

/** What the CodecPrivate of an audio track says. Null where it does not. */
export interface AudioConfiguration {
	/** RFC 6381 codec string, or the name in the WebCodecs registry for PCM and G.711, for which RFC 6381 has none. */
	readonly codec: string | null;
	readonly sampleRate: number | null;
	readonly channels: number | null;
	readonly bitDepth: number | null;
	/** AAC: how long a frame lasts, in milliseconds. Null for everything else. */
	readonly frameMs: number | null;
}

/** Samples of a frame of AAC-LC (ISO 14496-3 §4.5.2.1). */
export const AAC_FRAME_SAMPLES = 1024;

/** ISO 14496-3 table 1.18. */
const SAMPLE_RATES_HZ = [
	96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];
const EXPLICIT_SAMPLE_RATE = 15;
const SBR = 5;
const PARAMETRIC_STEREO = 29;

/** Object types with a GASpecificConfig and frames of 1024 or 960 samples: AAC Main, LC, SSR, LTP, scalable, and their ER forms. */
const GENERAL_AUDIO: ReadonlySet<number> = new Set([1, 2, 3, 4, 6, 17, 19, 20, 21, 22]);

/** ER AAC LD and ELD: 512 or 480 samples. */
const LOW_DELAY: ReadonlySet<number> = new Set([23, 39]);

/** Channels by channelConfiguration; 0 says they are described elsewhere (ISO 14496-3 table 1.19). */
const CHANNELS = [null, 1, 2, 3, 4, 5, 6, 8, null, null, null, 7, 8, 24, 8];

/** Reads an AudioSpecificConfig (ISO 14496-3 §1.6.2.1). Null where it is not valid. */
export function readAudioSpecificConfig(codecPrivate: Uint8Array): AudioConfiguration | null {
	const reader = new BitReader(codecPrivate);
	try {
		const objectType = readObjectType(reader);
		if (objectType === 0) return null;
		const coreRate = readSampleRate(reader);
		const channels = CHANNELS[reader.bits(4)] ?? null;
		const isExtended = objectType === SBR || objectType === PARAMETRIC_STEREO;
		const sampleRate = isExtended ? readSampleRate(reader) : coreRate;
		const frameSamples = readFrameSamples(reader, objectType);
		const frameMs = coreRate && frameSamples && (frameSamples * 1000) / coreRate;
		return { codec: `mp4a.40.${objectType}`, sampleRate, channels, bitDepth: null, frameMs };
	} catch (error) {
		if (error instanceof RangeError) return null;
		throw error;
	}
}

/**
 * Samples of a frame at the rate of the core. SBR, signalled or not, doubles both: the frame lasts as long. Null for object
 * types whose configuration begins with something else than frameLengthFlag.
 */
function readFrameSamples(reader: BitReader, objectType: number): number | null {
	try {
		const coreType =
			objectType === SBR || objectType === PARAMETRIC_STEREO ? readObjectType(reader) : objectType;
		if (GENERAL_AUDIO.has(coreType)) return reader.flag() ? 960 : AAC_FRAME_SAMPLES;
		return LOW_DELAY.has(coreType) ? (reader.flag() ? 480 : 512) : null;
	} catch (error) {
		// Some producers cut the configuration after what they take to be all of it.
		if (error instanceof RangeError) return AAC_FRAME_SAMPLES;
		throw error;
	}
}

function readObjectType(reader: BitReader): number {
	const objectType = reader.bits(5);
	return objectType === 31 ? 32 + reader.bits(6) : objectType;
}

function readSampleRate(reader: BitReader): number | null {
	const index = reader.bits(4);
	return index === EXPLICIT_SAMPLE_RATE ? reader.bits(24) : (SAMPLE_RATES_HZ[index] ?? null);
}

/** A core of half the rate, which SBR doubles, is coded as this. */
const LOW_COMPLEXITY = 2;

/**
 * Makes an AudioSpecificConfig (ISO 14496-3 §1.6.2.1) of frames of the usual length. `sampleRate` is that of the core where the
 * object type is SBR (5). Null for channels that have no number.
 */
export function audioSpecificConfig(
	objectType: number,
	sampleRate: number,
	channels: number,
): Uint8Array | null {
	const configuration = CHANNELS.indexOf(channels);
	if (configuration < 0) return null;
	const type = (value: number): string => bitsOf(value, 5);
	const bits =
		type(objectType) +
		rateBits(sampleRate) +
		bitsOf(configuration, 4) +
		(objectType === SBR ? rateBits(2 * sampleRate) + type(LOW_COMPLEXITY) : '') +
		// frameLengthFlag, dependsOnCoreCoder and extensionFlag.
		bitsOf(0, 3);
	const bytes = bits.match(/.{1,8}/g) ?? [];
	return Uint8Array.from(bytes, (byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
}

function rateBits(sampleRate: number): string {
	const index = SAMPLE_RATES_HZ.indexOf(sampleRate);
	return index < 0 ? bitsOf(EXPLICIT_SAMPLE_RATE, 4) + bitsOf(Math.round(sampleRate), 24) : bitsOf(index, 4);
}

function bitsOf(value: number, count: number): string {
	return value.toString(2).padStart(count, '0');
}

/** Format tags of WAVEFORMATEX (RFC 2361, mmreg.h). */
const WAVE_FORMAT = {
	PCM: 1,
	IEEE_FLOAT: 3,
	ALAW: 6,
	MULAW: 7,
	MP3: 0x55,
	RAW_AAC: 0xff,
	EXTENSIBLE: 0xfffe,
} as const;
const WAVE_FORMAT_BYTES = 16;
const SUB_FORMAT_OFFSET = 24;
const EXTRA_OFFSET = 18;

/** Reads a WAVEFORMATEX structure, the CodecPrivate of `A_MS/ACM`. Null where it is not valid. */
export function readWaveFormat(codecPrivate: Uint8Array): AudioConfiguration | null {
	if (codecPrivate.byteLength < WAVE_FORMAT_BYTES) return null;
	const view = new DataView(codecPrivate.buffer, codecPrivate.byteOffset, codecPrivate.byteLength);
	const bitDepth = view.getUint16(14, true) || null;
	let formatTag = view.getUint16(0, true);
	// The sub-format is a GUID whose first two bytes are the tag it extends.
	if (formatTag === WAVE_FORMAT.EXTENSIBLE && view.byteLength >= SUB_FORMAT_OFFSET + 2) {
		formatTag = view.getUint16(SUB_FORMAT_OFFSET, true);
	}
	const details = {
		sampleRate: view.getUint32(4, true) || null,
		channels: view.getUint16(2, true) || null,
		bitDepth,
		frameMs: null,
	};
	switch (formatTag) {
		case WAVE_FORMAT.PCM:
			return { codec: pcmCodec(bitDepth, false), ...details };
		case WAVE_FORMAT.IEEE_FLOAT:
			return { codec: pcmCodec(bitDepth, true), ...details };
		case WAVE_FORMAT.ALAW:
			return { codec: 'alaw', ...details };
		case WAVE_FORMAT.MULAW:
			return { codec: 'ulaw', ...details };
		case WAVE_FORMAT.MP3:
			return { codec: 'mp3', ...details };
		case WAVE_FORMAT.RAW_AAC: {
			const aac = readAudioSpecificConfig(codecPrivate.subarray(EXTRA_OFFSET));
			return { ...details, codec: aac?.codec ?? null, frameMs: aac?.frameMs ?? null };
		}
		default:
			return { codec: null, ...details };
	}
}

/** The AudioSpecificConfig within a WAVEFORMATEX of raw AAC; null for anything else. */
export function rawAacConfigOfWaveFormat(codecPrivate: Uint8Array): Uint8Array | null {
	const isRawAac = (codecPrivate[0] ?? 0) + 256 * (codecPrivate[1] ?? 0) === WAVE_FORMAT.RAW_AAC;
	return isRawAac && codecPrivate.byteLength > EXTRA_OFFSET ? codecPrivate.subarray(EXTRA_OFFSET) : null;
}

/** Name of little-endian PCM in the WebCodecs registry; null for a depth it does not have. */
export function pcmCodec(bitDepth: number | null, isFloat: boolean): string | null {
	if (isFloat) return bitDepth === 32 ? 'pcm-f32' : null;
	if (bitDepth === 8) return 'pcm-u8';
	return bitDepth === 16 || bitDepth === 24 || bitDepth === 32 ? `pcm-s${bitDepth}` : null;
}
