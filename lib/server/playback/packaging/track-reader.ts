import { type FileHandle, open } from 'node:fs/promises';
import { AssemblerContext, FragmentAssembler } from '../../../demux/fragment-assembler.js';
import { MediaError } from '../../../errors.js';
import type { Track } from '../../../model/track.js';
import type { StoredFragment } from '../../store/stored-fragment.js';

/** The header of a fragment has some hundred bytes. */
const READ_BYTES = 16 * 1024;

/**
 * Reads which tracks fragments have, from their headers alone; remembers it for as long as the fragment is known. Equal
 * headers one behind the other share their tracks.
 */
export class TrackReader {
	readonly #known = new WeakMap<StoredFragment, readonly Track[] | MediaError>();
	readonly #context = new AssemblerContext();

	/**
	 * The tracks of each fragment, in order; the error in place of those of a fragment that is malformed. Rejects with the
	 * system's error where a file cannot be read.
	 */
	async read(fragments: readonly StoredFragment[]): Promise<(readonly Track[] | MediaError)[]> {
		let handle: FileHandle | null = null;
		let openPayload = '';
		try {
			const found: (readonly Track[] | MediaError)[] = [];
			for (const fragment of fragments) {
				let tracks = this.#known.get(fragment);
				if (tracks === undefined) {
					if (handle === null || openPayload !== fragment.payload) {
						await handle?.close();
						handle = null;
						handle = await open(fragment.payload, 'r');
						openPayload = fragment.payload;
					}
					tracks = await this.#readHead(handle, fragment);
					this.#known.set(fragment, tracks);
				}
				found.push(tracks);
			}
			return found;
		} finally {
			await handle?.close();
		}
	}

	async #readHead(handle: FileHandle, fragment: StoredFragment): Promise<readonly Track[] | MediaError> {
		const assembler = new FragmentAssembler(this.#context, { admit: () => 'hold' });
		const end = fragment.offset + fragment.sizeBytes;
		try {
			for (let position = fragment.offset; position < end; ) {
				const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, end - position));
				const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
				if (bytesRead === 0) break;
				position += bytesRead;
				for (const events of assembler.write(buffer.subarray(0, bytesRead))) {
					for (const event of events) if (event.type === 'fragment') return event.tracks;
				}
			}
		} catch (error) {
			if (error instanceof MediaError) return error;
			throw error;
		}
		return new MediaError('KVS_MKV_MALFORMED', `fragment ${fragment.number} has no Cluster`);
	}
}
