import { crc32 } from 'node:zlib';
import { ArchiveError } from '../../errors.js';
import { systemTrouble } from '../../wording/system-trouble.js';
import { OpenPayload } from './open-payload.js';
import type { StoredFragment } from './stored-fragment.js';

/** How much is read at a time. */
const READ_BYTES = 1024 * 1024;

/** Up to this size a chunk is kept while it is checked; a larger one is read again. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

/** A part of a response's body: bytes, or a fragment whose chunk is read when its turn comes. */
export type BodyPart =
	| { readonly kind: 'bytes'; readonly bytes: Uint8Array }
	| { readonly kind: 'fragment'; readonly fragment: StoredFragment };

/** Length of the body that the parts make. */
export function sizeOfParts(parts: readonly BodyPart[]): number {
	return parts.reduce(
		(sum, part) => sum + (part.kind === 'bytes' ? part.bytes.byteLength : part.fragment.sizeBytes),
		0,
	);
}

/**
 * The bytes of the parts, one after the other, at most 8 MiB of a fragment at a time. A fragment is checked against its
 * checksum before its first byte is given; one whose index has no checksum only by its size. One that is damaged, or cannot
 * be read, rejects with `ArchiveError` (`KVS_DATA_DAMAGED`), or is replaced by what `replaceDamaged` returns. Closes its file
 * however it ends.
 */
export async function* readParts(
	parts: readonly BodyPart[],
	replaceDamaged?: (fragment: StoredFragment, error: ArchiveError) => Uint8Array,
): AsyncGenerator<Uint8Array> {
	const reader = new ChunkReader();
	try {
		for (const part of parts) {
			if (part.kind === 'bytes') {
				yield part.bytes;
				continue;
			}
			const { fragment } = part;
			let checked: readonly Uint8Array[] | null;
			try {
				checked = await reader.check(fragment);
			} catch (error) {
				if (replaceDamaged === undefined || !(error instanceof ArchiveError)) throw error;
				yield replaceDamaged(fragment, error);
				continue;
			}
			yield* checked ?? reader.read(fragment);
		}
	} finally {
		await reader.close();
	}
}

/** Reads chunks, and checks them. */
class ChunkReader {
	readonly #payload = new OpenPayload();

	/** Rejects where the chunk is not what was written; returns its bytes where they are few enough to be kept. */
	async check(fragment: StoredFragment): Promise<readonly Uint8Array[] | null> {
		const { payload, offset, sizeBytes, crc32: expected } = fragment;
		if (expected === undefined) {
			const { size } = await this.#payload
				.open(payload)
				.then((handle) => handle.stat())
				.catch((error) => Promise.reject(unreadable(payload, error)));
			if (size < offset + sizeBytes) throw tooShort(payload, size);
			return null;
		}
		const kept: Uint8Array[] = [];
		let found = 0;
		for await (const bytes of this.read(fragment)) {
			found = crc32(bytes, found);
			if (sizeBytes <= MAX_KEPT_BYTES) kept.push(bytes);
		}
		if (found === expected) return sizeBytes <= MAX_KEPT_BYTES ? kept : null;
		throw damaged(
			`the archive's file \`${payload}\` is damaged: the bytes ${offset} to ${offset + sizeBytes} of fragment ` +
				`${fragment.number} have the checksum ${hex(found)}, its index says ${hex(expected)}`,
		);
	}

	async *read({ payload, offset, sizeBytes }: StoredFragment): AsyncGenerator<Uint8Array> {
		for (let position = offset; position < offset + sizeBytes; ) {
			const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, offset + sizeBytes - position));
			const { bytesRead } = await this.#payload
				.open(payload)
				.then((handle) => handle.read(buffer, 0, buffer.byteLength, position))
				.catch((error) => Promise.reject(unreadable(payload, error)));
			if (bytesRead === 0) throw tooShort(payload, position);
			position += bytesRead;
			yield buffer.subarray(0, bytesRead);
		}
	}

	close(): Promise<void> {
		return this.#payload.close();
	}
}

function unreadable(payload: string, cause: unknown): ArchiveError {
	return damaged(`the archive's file \`${payload}\` cannot be read: ${systemTrouble(cause)}`, cause);
}

function tooShort(payload: string, endsAt: number): ArchiveError {
	return damaged(`the archive's file \`${payload}\` is damaged: it ends at byte ${endsAt}`);
}

function damaged(message: string, cause?: unknown): ArchiveError {
	return new ArchiveError('KVS_DATA_DAMAGED', message, { cause });
}

function hex(checksum: number): string {
	return checksum.toString(16).padStart(8, '0');
}
