import type { AudioFormat } from '../codecs/audio-format.js';

/** What a WAVE file says of its audio. */
export interface WaveFormat {
	readonly audio: AudioFormat;
	readonly channels: number;
	readonly sampleRate: number;
}

const WAVE_PCM = 1;
const WAVE_EXTENSIBLE = 0xfffe;

/** The rest of a sub-format's GUID, after the format tag that it extends. */
const SUB_FORMAT_TAIL = Buffer.from('000000001000800000aa00389b71', 'hex');

/** Size fields that stand for "see ds64" (EBU Tech 3306). */
const SEE_DS64 = 0xffffffff;
const DS64_BYTES = 28;
const RIFF_HEADER_BYTES = 8;

/**
 * Everything before the samples: a RIFF WAVE file, or with more than 4 GiB an RF64 one, which takes the same number
 * of bytes (EBU Tech 3306). `dataBytes` is 0 where it is not known yet.
 */
export function wavHeader({ audio, channels, sampleRate }: WaveFormat, dataBytes: number): Buffer {
	const blockBytes = channels * audio.bytesPerSample;
	const format = formatChunk(audio, channels, sampleRate, blockBytes);
	const samples = Math.floor(dataBytes / blockBytes);
	// A chunk of an odd length is followed by a byte that it does not count.
	const evenDataBytes = dataBytes + (dataBytes % 2);
	const factBytes = audio.waveTag === WAVE_PCM ? 0 : 12;
	const headerBytes =
		RIFF_HEADER_BYTES + 4 + (8 + DS64_BYTES) + (8 + format.byteLength) + factBytes + RIFF_HEADER_BYTES;
	const riffBytes = headerBytes + evenDataBytes - RIFF_HEADER_BYTES;
	const isLarge = riffBytes > SEE_DS64;
	const ds64 = Buffer.alloc(DS64_BYTES);
	if (isLarge) {
		ds64.writeBigUInt64LE(BigInt(riffBytes), 0);
		ds64.writeBigUInt64LE(BigInt(dataBytes), 8);
		ds64.writeBigUInt64LE(BigInt(samples), 16);
	}
	return Buffer.concat([
		chunkHeader(isLarge ? 'RF64' : 'RIFF', isLarge ? SEE_DS64 : riffBytes),
		Buffer.from('WAVE', 'latin1'),
		chunkHeader(isLarge ? 'ds64' : 'JUNK', DS64_BYTES),
		ds64,
		chunkHeader('fmt ', format.byteLength),
		format,
		...(factBytes === 0 ? [] : [chunkHeader('fact', 4), uint32(isLarge ? SEE_DS64 : samples)]),
		chunkHeader('data', isLarge ? SEE_DS64 : dataBytes),
	]);
}

/** WAVEFORMAT, WAVEFORMATEX or, where channels need it, WAVEFORMATEXTENSIBLE (mmreg.h). */
function formatChunk(audio: AudioFormat, channels: number, sampleRate: number, blockBytes: number): Buffer {
	const isExtensible = channels > 2;
	const chunk = Buffer.alloc(16);
	chunk.writeUInt16LE(isExtensible ? WAVE_EXTENSIBLE : audio.waveTag, 0);
	chunk.writeUInt16LE(channels, 2);
	chunk.writeUInt32LE(sampleRate, 4);
	chunk.writeUInt32LE(sampleRate * blockBytes, 8);
	chunk.writeUInt16LE(blockBytes, 12);
	chunk.writeUInt16LE(8 * audio.bytesPerSample, 14);
	if (!isExtensible) return audio.waveTag === WAVE_PCM ? chunk : Buffer.concat([chunk, Buffer.alloc(2)]);
	const extension = Buffer.alloc(10);
	extension.writeUInt16LE(22, 0);
	extension.writeUInt16LE(8 * audio.bytesPerSample, 2);
	extension.writeUInt16LE(audio.waveTag, 8);
	return Buffer.concat([chunk, extension, SUB_FORMAT_TAIL]);
}

function chunkHeader(id: string, bytes: number): Buffer {
	return Buffer.concat([Buffer.from(id, 'latin1'), uint32(bytes)]);
}

function uint32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(value);
	return bytes;
}
