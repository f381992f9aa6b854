import { createHash } from 'node:crypto';
import { type OutputFolder, putFile } from '../files/output-folder.js';
import type { Picture } from '../pictures/picture.js';

/** A finished file of a folder, and what it is to hold. */
export interface WrittenFile {
	readonly name: string;
	readonly bytes: number;
	/** Of its bytes, in hexadecimal. */
	readonly sha256: string;
	/** Of a shard: how many samples are in it. */
	readonly samples?: number;
}

/** A picture under its name. */
export interface Sample {
	/** Without an ending. */
	readonly name: string;
	/** Without the dot. */
	readonly extension: string;
	readonly data: Picture['data'];
	/** What is known of it besides, in JSON. */
	readonly facts: string;
}

/** Samples of one track that will be finished together. Fails with `SinkError` (`KVS_SINK_FAILED`). */
export interface OpenSection {
	/** How many there are. */
	readonly count: number;
	/** Whether another may be added. The first always may. */
	hasRoomFor(sample: Pick<Sample, 'data' | 'facts'>): boolean;
	/** Takes a sample; may write it later. */
	add(sample: Sample): Promise<void>;
	/** Writes what is left. Returns the finished files, in order. */
	finish(): Promise<readonly WrittenFile[]>;
	/** Gives up what is not finished. */
	discard(): Promise<void>;
}

/** Writes a file at once. */
export async function writeFile(folder: OutputFolder, name: string, data: Uint8Array): Promise<WrittenFile> {
	const sha256 = createHash('sha256').update(data).digest('hex');
	await putFile(folder, name, [data]);
	return { name, bytes: data.byteLength, sha256 };
}
