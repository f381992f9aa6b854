import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SinkError } from '../errors.js';
import { counted } from '../wording/counted.js';
import { systemTrouble } from '../wording/system-trouble.js';
import { type ObjectTarget, ObjectWriter, PART_BYTES } from './object-writer.js';

const MIB = 1024 * 1024;

/** What is read of the file at a time. */
const CHUNK_BYTES = MIB;

/** The most that S3 takes. */
const MAX_PARTS = 10_000;

/**
 * Makes an object of a file of the local disk, which does not change meanwhile. An abort or a failure leaves nothing of it. Holds what
 * an {@link ObjectWriter} holds, of files over 80 GB in larger parts. With `grown` only what comes after that is read. Fails as it does, and with `SinkError` (`KVS_SINK_FAILED`)
 * where the file cannot be read.
 */
export async function uploadFile(path: string, target: ObjectTarget): Promise<void> {
	const { size } = await stat(path).catch((cause) => {
		throw unreadable(path, target, cause);
	});
	const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS / MIB) * MIB);
	const writer = new ObjectWriter({ ...target, partBytes });
	const start = target.grown?.sizeBytes ?? 0;
	if (start > size)
		throw unreadable(path, target, new Error(`it has ${counted(size, 'byte')}, and the object has ${start}`));
	const input = createReadStream(path, { highWaterMark: CHUNK_BYTES, start });
	try {
		for await (const chunk of chunksOf(input, path, target)) await writer.append([chunk]);
		await writer.commit();
	} catch (error) {
		// What ended it says more than that it cannot be removed: that is left to the next run.
		await writer.discard().catch(() => {});
		target.signal?.throwIfAborted();
		throw error;
	} finally {
		input.destroy();
	}
}

async function* chunksOf(
	input: AsyncIterable<Uint8Array>,
	path: string,
	target: ObjectTarget,
): AsyncGenerator<Uint8Array> {
	try {
		yield* input;
	} catch (cause) {
		throw unreadable(path, target, cause);
	}
}

function unreadable(path: string, { bucket, key }: ObjectTarget, cause: unknown): SinkError {
	const message = `cannot read \`${path}\`, of which \`${bucket.urlOf(key)}\` is made: ${systemTrouble(cause)}`;
	return new SinkError('KVS_SINK_FAILED', path, message, cause);
}
