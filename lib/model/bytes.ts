/** Sum of the lengths of the pieces. */
export function sizeOf(pieces: readonly Uint8Array[]): number {
	let total = 0;
	for (const { byteLength } of pieces) total += byteLength;
	return total;
}

/** All pieces, one after the other, in memory of their own. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
	const whole = new Uint8Array(sizeOf(pieces));
	let position = 0;
	for (const piece of pieces) {
		whole.set(piece, position);
		position += piece.byteLength;
	}
	return whole;
}

/** Whether both hold the same bytes. */
export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
	const { byteLength } = a;
	if (byteLength !== b.byteLength) return false;
	if (globalThis.Buffer !== undefined) return Buffer.compare(a, b) === 0;
	for (let i = 0; i < byteLength; i++) if (a[i] !== b[i]) return false;
	return true;
}

/** Whether `bytes` hold `part` at a place; where they end in it, whether what is there is its beginning. */
export function holdAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
	const length = Math.min(part.byteLength, bytes.byteLength - at);
	for (let i = 0; i < length; i++) if (bytes[at + i] !== part[i]) return false;
	return length > 0;
}

/** The first place, from one on, at which `bytes` hold the whole of `part`; -1 where they do not. */
export function indexOfBytes(bytes: Uint8Array, part: Uint8Array, from: number): number {
	if (globalThis.Buffer !== undefined) {
		return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(part, from);
	}
	const [first] = part;
	if (first === undefined) return from;
	for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
		if (at + part.byteLength > bytes.byteLength) return -1;
		if (holdAt(bytes, at, part)) return at;
	}
	return -1;
}

/** One character a byte. */
export function latin1Of(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** What reads texts out of `bytes`, from one place to another; what is not UTF-8 is replaced. */
export function utf8Reader(bytes: Uint8Array): (start: number, end: number) => string {
	if (globalThis.Buffer === undefined) return (start, end) => decoder.decode(bytes.subarray(start, end));
	// Of short texts Node's own decoding takes a third of the time.
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	return (start, end) => buffer.toString(undefined, start, end);
}

/** The text of the bytes from `start` to `end`; what is not UTF-8 is replaced. */
export function utf8Of(bytes: Uint8Array, start: number, end: number): string {
	return utf8Reader(bytes)(start, end);
}
