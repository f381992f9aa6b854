import { type FileHandle, open, readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { readFully } from '../../files/read-fully.js';
import { parsePayloadRecord, RECORD_BYTES } from './payload-record.js';
import { parseIndexLine, type StoredFragment } from './stored-fragment.js';

/** How much of a chunk is read at a time. */
const READ_BYTES = 1024 * 1024;

/** What was found in a payload that producers appended to. */
export interface RecoveredPayload {
	/** Its whole fragments, in their order. */
	readonly fragments: StoredFragment[];
	/** Where the last of them ends. */
	readonly sizeBytes: number;
	/** Bytes after it: a fragment that was being written when the process was killed. They are cut off. */
	readonly tornBytes: number;
	/** Whether the index says the same. */
	readonly isIndexWhole: boolean;
}

/**
 * Reads a payload's index, finds the fragments after the last one that it names, and cuts off what is torn. Costs what the
 * index and those fragments cost, however large the payload. Rejects with the system's error.
 */
export async function recoverPayload(payload: string, index: string): Promise<RecoveredPayload> {
	const handle = await open(payload, 'r+');
	try {
		const { size } = await handle.stat();
		const { fragments, isWhole } = await readIndex(payload, index, size);
		const indexed = fragments.length;
		let end = endOf(fragments);
		for (;;) {
			const fragment = await readRecord(handle, payload, end, size);
			if (fragment === null) break;
			fragments.push(fragment);
			end = endOf(fragments);
		}
		if (end < size) {
			await handle.truncate(end);
			await handle.sync();
		}
		return {
			fragments,
			sizeBytes: end,
			tornBytes: size - end,
			isIndexWhole: isWhole && fragments.length === indexed,
		};
	} finally {
		await handle.close();
	}
}

function endOf(fragments: readonly StoredFragment[]): number {
	const last = fragments.at(-1);
	return last === undefined ? 0 : last.offset + last.sizeBytes;
}

async function readIndex(
	payload: string,
	index: string,
	payloadBytes: number,
): Promise<{ fragments: StoredFragment[]; isWhole: boolean }> {
	const text = await readFile(index, 'latin1').catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT') return null;
		throw error;
	});
	const fragments: StoredFragment[] = [];
	if (text === null) return { fragments, isWhole: false };
	let wholeBytes = 0;
	for (const line of text.split('\n')) {
		const fragment = parseIndexLine(line, payload);
		const isNext =
			fragment?.offset === endOf(fragments) + RECORD_BYTES &&
			fragment.offset + fragment.sizeBytes <= payloadBytes;
		if (fragment === null || !isNext) break;
		fragments.push(fragment);
		wholeBytes += line.length + 1;
	}
	return { fragments, isWhole: wholeBytes === text.length };
}

/** The fragment whose record stands at `offset`, if it is whole and its chunk is what was written. */
async function readRecord(
	handle: FileHandle,
	payload: string,
	offset: number,
	payloadBytes: number,
): Promise<StoredFragment | null> {
	if (offset + RECORD_BYTES > payloadBytes) return null;
	const record = Buffer.alloc(RECORD_BYTES);
	await readFully(handle, record, offset);
	const fragment = parsePayloadRecord(record, payload, offset);
	if (fragment === null || fragment.offset + fragment.sizeBytes > payloadBytes) return null;
	let checksum = 0;
	const end = fragment.offset + fragment.sizeBytes;
	for (let position = fragment.offset; position < end; ) {
		const bytes = Buffer.alloc(Math.min(READ_BYTES, end - position));
		await readFully(handle, bytes, position);
		checksum = crc32(bytes, checksum);
		position += bytes.byteLength;
	}
	return checksum === fragment.crc32 ? fragment : null;
}
