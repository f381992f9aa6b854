import { concatBytes } from '../model/bytes.js';
import { type Ack, parseAck } from './ack.js';

/** The longest line that is read. Real ones have some 200 bytes. */
export const MAX_ACK_BYTES = 16 * 1024;

const LINE_FEED = 0x0a;

/**
 * The acknowledgements in a response to PutMedia, as they come: a line of JSON each, cut anywhere into chunks. The last one
 * needs no line feed. Throws as {@link parseAck}, and `RangeError` for a line of more than {@link MAX_ACK_BYTES}.
 */
export async function* readAcks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Ack> {
	let begun: Uint8Array[] = [];
	let begunBytes = 0;
	for await (const chunk of chunks) {
		let from = 0;
		for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
			yield* readLine(concatBytes([...begun, chunk.subarray(from, at)]));
			begun = [];
			begunBytes = 0;
			from = at + 1;
		}
		if (from === chunk.byteLength) continue;
		begun.push(chunk.subarray(from));
		begunBytes += chunk.byteLength - from;
		if (begunBytes > MAX_ACK_BYTES) tooLong();
	}
	yield* readLine(concatBytes(begun));
}

function readLine(line: Uint8Array): Ack[] {
	if (line.byteLength > MAX_ACK_BYTES) tooLong();
	const isBlank = line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
	const ack = isBlank ? null : parseAck(line);
	return ack === null ? [] : [ack];
}

function tooLong(): never {
	throw new RangeError(`expected an acknowledgement of at most ${MAX_ACK_BYTES} bytes, got more`);
}
