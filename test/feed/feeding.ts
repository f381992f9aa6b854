import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import type { Ack, FeedSummary } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { type MadeBlock, matroska } from '../server/made-media.js';
import type { Arrival } from './feed-service.js';

/** A file of eight fragments. */
export const CLOCK = 'examples/media/clock.mkv';

/** When what is fed begins. */
export const START = new Date('2026-01-31T14:03:00.000Z');

/** All that a feed stores. */
export const range = { from: new Date(0), to: new Date('2027-01-01'), by: 'producer' } as const;

/** Video with a key frame every two seconds, and audio. */
export function film(seconds: number, groupSeconds = 2): MadeBlock[] {
	return Array.from({ length: seconds * 10 }, (_, index) => [
		{ track: 1, ticks: index * 100, keyframe: index % (groupSeconds * 10) === 0 },
		{ track: 2, ticks: index * 100 + 3 },
	]).flat();
}

/** Writes such a film to a file. */
export async function filmFile(t: ExecutionContext, blocks: readonly MadeBlock[]): Promise<string> {
	const file = join(await temporaryDirectory(t), 'film.mkv');
	await writeFile(file, matroska(blocks));
	return file;
}

/** A pipe: chunks as they come. */
export function pipe(bytes: Uint8Array, chunkBytes = 1000): Readable {
	return Readable.from(
		(function* () {
			for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
		})(),
	);
}

/** Acknowledges as the service does. */
export function store({ ack }: Arrival): void {
	ack('RECEIVED');
	ack('PERSISTED');
}

/** The acknowledgements of a feed, and what it came to. */
export async function run(
	feeding: AsyncIterable<Ack> & { readonly summary: Promise<FeedSummary> },
): Promise<{ acks: Ack[]; summary: FeedSummary }> {
	const acks = await collect(feeding);
	return { acks, summary: await feeding.summary };
}
