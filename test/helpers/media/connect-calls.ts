import { readFile } from 'node:fs/promises';
import { string } from '#lib/ebml/ebml-writer.js';
import { fragmentDocument, fragmentNumber, tags, trackEntry } from './payload.js';
import { startMs } from './range.js';

/** A track as Amazon Connect writes it: 16-bit PCM at 8 kHz that calls itself AAC. */
export function connectTrack(number: number, name: string): Uint8Array[] {
	return trackEntry(number, 'audio', 'A_AAC', [string('Name', name)]);
}

/** A second of a call. */
export interface CallSecond {
	/** Whose it is; null where the fragment does not say so. */
	readonly call: string | null;
	/** Its start, in seconds after the start of recordings. */
	readonly at: number;
	/** What all samples of the customer are; the agent's are 100 more. */
	readonly level: number;
	/** Whether the agent's track is the first one, number 1. @default false */
	readonly isAgentFirst?: boolean;
}

/** Fragments of calls as Amazon Connect writes them: of one second each, the tag `ContactId` after the media. */
export function connectRecording(seconds: readonly CallSecond[]): Buffer {
	return Buffer.concat(
		seconds.map(({ call, at, level, isAgentFirst = false }, index) => {
			const sides = [
				{ name: 'AUDIO_FROM_CUSTOMER', level },
				{ name: 'AUDIO_TO_CUSTOMER', level: level + 100 },
			];
			if (isAgentFirst) sides.reverse();
			return fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + at * 1000,
				tracks: sides.map(({ name }, side) => connectTrack(side + 1, name)),
				blocks: Array.from({ length: 20 }, (_, block) => ({
					trackNumber: 1 + (block % 2),
					relativeTicks: Math.floor(block / 2) * 100,
					keyframe: true,
					data: Buffer.from(new Int16Array(800).fill(sides[block % 2]?.level ?? 0).buffer),
				})),
				...(call === null ? {} : { after: tags(['ContactId', call]) }),
			});
		}),
	);
}

/** The samples of a WAV file, a value for every second of each channel. */
export async function secondsOfWav(file: string, channels: number): Promise<number[][]> {
	const bytes = await readFile(file);
	const start = bytes.indexOf('data') + 8;
	const format = bytes.indexOf('fmt ') + 8;
	if (bytes.readUInt16LE(format + 2) !== channels)
		throw new Error(`${bytes.readUInt16LE(format + 2)} channels`);
	const samples = new Int16Array(
		bytes.buffer.slice(
			bytes.byteOffset + start,
			bytes.byteOffset + bytes.byteLength - ((bytes.byteLength - start) % 2),
		),
	);
	return Array.from({ length: channels }, (_, channel) =>
		Array.from(
			{ length: samples.length / channels / 8000 },
			(_, at) => samples[(at * 8000 + 4000) * channels + channel] as number,
		),
	);
}
