import { createReadStream } from 'node:fs';

const LINE_FEED = 0x0a;

/** A line of a file. */
export interface FileLine {
	/** Without its line feed. */
	readonly bytes: Buffer;
	/** Where the next one begins. */
	readonly end: number;
}

/**
 * The lines of a file, up to the last line feed: what stands after it was being written when its process was killed. A line
 * longer than `maxBytes` ends them too. Fails with the system's error.
 */
export async function* fileLines(path: string, maxBytes: number): AsyncGenerator<FileLine> {
	const input = createReadStream(path);
	try {
		yield* linesOf(input as AsyncIterable<Buffer>, maxBytes);
	} finally {
		input.destroy();
	}
}

/** The lines of what comes in chunks, likewise. */
export async function* linesOf(
	chunks: AsyncIterable<Uint8Array>,
	maxBytes: number,
): AsyncGenerator<FileLine> {
	let end = 0;
	let pending: Uint8Array[] = [];
	let pendingBytes = 0;
	for await (const chunk of chunks) {
		let start = 0;
		for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, start)) {
			const bytes = Buffer.concat([...pending, chunk.subarray(start, at)]);
			end += bytes.byteLength + 1;
			yield { bytes, end };
			pending = [];
			pendingBytes = 0;
			start = at + 1;
		}
		pending.push(chunk.subarray(start));
		pendingBytes += chunk.byteLength - start;
		if (pendingBytes > maxBytes) return;
	}
}
