import { float, master, unsigned } from '#lib/ebml/ebml-writer.js';
import { fragmentDocument, fragmentNumber, trackEntry } from './payload.js';

/** A fragment of uncompressed audio. */
export interface PcmFragment {
	readonly startMs: number;
	/** Its blocks, from the fragment's start on. */
	readonly blocks: readonly { readonly ms: number; readonly data: Uint8Array }[];
}

/** A recording of PCM, the least significant byte first. */
export function pcmRecording(
	fragments: readonly PcmFragment[],
	{ sampleRate = 8000, channels = 1, bitDepth = 16 } = {},
): Buffer {
	const audio = master('Audio', [
		float('SamplingFrequency', sampleRate),
		unsigned('Channels', channels),
		unsigned('BitDepth', bitDepth),
	]);
	const tracks = [trackEntry(1, 'audio', 'A_PCM/INT/LIT', [audio])];
	const documents = fragments.map(({ startMs, blocks }, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs,
			tracks,
			blocks: blocks.map(({ ms, data }) => ({ trackNumber: 1, relativeTicks: ms, keyframe: true, data })),
		}),
	);
	return Buffer.concat(documents);
}

/** A second of audio in 50 blocks; some at other times than they should be. Mono, 8000 Hz, 16 bits. */
export function secondOfPcm(
	startMs: number,
	level: number,
	wrong: Readonly<Record<number, number>> = {},
): PcmFragment {
	const blocks = Array.from({ length: 50 }, (_, index) => ({
		ms: wrong[index] ?? index * 20,
		data: Buffer.alloc(320, level + index),
	}));
	return { startMs, blocks };
}

/** Bytes in blocks of these sizes, over and over, `perFragment` of them in each fragment; a block lasts as long as its bytes. */
export function blocksOf(
	bytes: Uint8Array,
	sizes: readonly number[],
	{ startMs, perFragment, bytesPerMs }: { startMs: number; perFragment: number; bytesPerMs: number },
): PcmFragment[] {
	const fragments: { startMs: number; blocks: { ms: number; data: Uint8Array }[] }[] = [];
	let at = 0;
	for (let index = 0; at < bytes.byteLength; index++) {
		const ms = startMs + Math.round(at / bytesPerMs);
		if (index % perFragment === 0) fragments.push({ startMs: ms, blocks: [] });
		const fragment = fragments.at(-1) as (typeof fragments)[number];
		const sizeBytes = sizes[index % sizes.length] as number;
		fragment.blocks.push({ ms: ms - fragment.startMs, data: bytes.subarray(at, at + sizeBytes) });
		at += sizeBytes;
	}
	return fragments;
}
