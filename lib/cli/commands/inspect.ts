import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { ArchiveError, findLateTracks, MediaError, type MediaEvent, MkvReader } from '../../index.js';
import { readTrouble } from '../../wording/system-trouble.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import { printEvents } from './events.js';

/** How much of a file is read at once. */
const READ_BYTES = 256 * 1024;

/** How much of what has no end, a pipe or a device, is looked through for media. More than a reader holds before it gives any. */
const MAX_BYTES_BEFORE_MEDIA = 128 * 1024 * 1024;

/**
 * Prints every event of a payload on disk, or on stdin for `-`. Malformed bytes are a failure in their place, and what comes
 * after them is read; a file of which not a frame can be read is an error, as is a pipe or device that begins with 128 MiB of
 * anything else.
 */
export async function inspect(
	file: string,
	options: { readonly json?: boolean },
	context: CommandContext,
): Promise<number> {
	const name = file === '-' ? 'stdin' : `\`${file}\``;
	const seen: Seen = { frames: 0, hasMedia: false, error: null };
	let printed = { count: 0, failures: 0 };
	try {
		const isFile = file !== '-' && (await stat(file)).isFile();
		const lateTracks = isFile ? await findLateTracks(bytesOf(file)) : new Map();
		await pipeline(
			file === '-' ? process.stdin : bytesOf(file),
			(chunks: AsyncIterable<Buffer>) => (isFile ? chunks : untilMediaIsLate(chunks, seen)),
			new MkvReader({ deliver: 'batch', resync: true, lateTracks }),
			(batches: AsyncIterable<MediaEvent[]>) => withoutLeadingFailures(batches, seen),
			async (batches: AsyncIterable<MediaEvent[]>) => {
				printed = await printEvents(batches, options, context);
			},
			{ signal: context.signal },
		);
		if (seen.frames === 0 && seen.error !== null) throw seen.error;
	} catch (error) {
		context.signal.throwIfAborted();
		throw explain(error, name);
	}
	if (printed.count === 0) throw new MediaError('KVS_MKV_MALFORMED', `${name} holds no media`);
	return printed.failures > 0 ? EXIT.incomplete : EXIT.done;
}

function bytesOf(file: string): ReadStream {
	return createReadStream(file, { highWaterMark: READ_BYTES });
}

/** The same bytes, until they are too many for what was seen of them. */
async function* untilMediaIsLate(chunks: AsyncIterable<Buffer>, seen: Seen): AsyncGenerator<Buffer> {
	let sizeBytes = 0;
	for await (const chunk of chunks) {
		yield chunk;
		sizeBytes += chunk.length;
		if (seen.hasMedia || sizeBytes < MAX_BYTES_BEFORE_MEDIA) continue;
		throw seen.error ?? new MediaError('KVS_MKV_MALFORMED', `no media in its first ${sizeBytes} bytes`);
	}
}

interface Seen {
	frames: number;
	/** Whether anything but malformed bytes came. */
	hasMedia: boolean;
	/** The first error of malformed or unsupported bytes. */
	error: MediaError | null;
}

/** The events, but for failures before which nothing was read: where they are all there is, they are an error. */
async function* withoutLeadingFailures(
	batches: AsyncIterable<MediaEvent[]>,
	seen: Seen,
): AsyncGenerator<MediaEvent[]> {
	let leading: MediaEvent[] | null = [];
	for await (const batch of batches) {
		for (const event of batch) {
			if (event.type === 'frame') seen.frames++;
			if (event.type === 'fragment-failure' && isOfBytes(event.error)) seen.error ??= event.error;
		}
		if (leading !== null) {
			leading.push(...batch);
			if (leading.every((event) => event.type === 'fragment-failure' && isOfBytes(event.error))) continue;
		}
		seen.hasMedia = true;
		yield leading ?? batch;
		leading = null;
	}
}

function isOfBytes(error: unknown): error is MediaError {
	return error instanceof MediaError && error.code !== 'KVS_MEDIA_TRUNCATED';
}

function explain(error: unknown, name: string): unknown {
	if (error instanceof MediaError) {
		return new MediaError(error.code, `${name} is not a readable Matroska file: ${error.message}`, {
			offset: error.offset,
			cause: error,
		});
	}
	const { syscall } = error as NodeJS.ErrnoException;
	if (!['open', 'read', 'stat'].includes(syscall ?? '')) return error;
	return new ArchiveError('KVS_FILE_UNREADABLE', `cannot read ${name}: ${readTrouble(error)}`, {
		cause: error,
	});
}
