import { type FileHandle, open } from 'node:fs/promises';
import { ArchiveError } from '../../errors.js';
import type { StoredFragment } from './stored-fragment.js';

/** How much of a chunk is in memory at a time. */
const READ_BYTES = 1024 * 1024;

/** A part of an answer's body: bytes, or a fragment whose chunk is read when its turn comes. */
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
 * The bytes of the parts, one behind the other, at most 1 MiB of a fragment at a time. Rejects where a file cannot be read
 * (`KVS_DATA_DAMAGED` where it is too short). Closes its file however it ends.
 */
export async function* readParts(parts: readonly BodyPart[]): AsyncGenerator<Uint8Array> {
	let handle: FileHandle | null = null;
	let openPayload = '';
	try {
		for (const part of parts) {
			if (part.kind === 'bytes') {
				yield part.bytes;
				continue;
			}
			const { payload, offset, sizeBytes } = part.fragment;
			if (handle === null || payload !== openPayload) {
				await handle?.close();
				handle = null;
				handle = await open(payload, 'r');
				openPayload = payload;
			}
			for (let position = offset; position < offset + sizeBytes; ) {
				const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, offset + sizeBytes - position));
				const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
				if (bytesRead === 0) {
					throw new ArchiveError(
						'KVS_DATA_DAMAGED',
						`the archive's file \`${payload}\` ends at byte ${position}`,
					);
				}
				position += bytesRead;
				yield buffer.subarray(0, bytesRead);
			}
		}
	} finally {
		await handle?.close();
	}
}
