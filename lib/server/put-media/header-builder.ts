import { ID, nameOf } from '../../ebml/ebml-schema.js';
import { MAX_ELEMENT_HEADER_BYTES, malformed } from '../../ebml/element-header.js';
import { checkDocType } from '../../mkv/doc-type.js';
import { MAX_EBML_HEADER_BYTES } from '../../mkv/limits.js';
import { DEFAULT_TIMECODE_SCALE_NS, readTimecodeScaleNs } from '../../mkv/segment-info.js';
import { readTracks } from '../../mkv/tracks.js';
import { MAX_CODEC_PRIVATE_BYTES, MAX_PRODUCER_TRACKS } from '../../model/fragment-limits.js';
import type { Track } from '../../model/track.js';
import { counted } from '../../wording/counted.js';
import { GrowingBytes } from './growing-bytes.js';
import { PutMediaError } from './put-media-error.js';
import type { ProducerHeader } from './put-media-handler.js';
import { MAX_INFO_BYTES, MAX_PRODUCER_HEADER_BYTES, MAX_TRACKS_BYTES } from './put-media-limits.js';

/** The elements that are read, and how large each may be. Each may come once. */
const maxBytesOf: ReadonlyMap<number, number> = new Map([
	[ID.EBML, MAX_EBML_HEADER_BYTES],
	[ID.Info, MAX_INFO_BYTES],
	[ID.Tracks, MAX_TRACKS_BYTES],
]);

/** Puts a {@link ProducerHeader} together from its elements. */
export class HeaderBuilder {
	readonly #bytes = new GrowingBytes();
	/** As much as its elements can come to: their bytes come later than they are announced. */
	#claimedBytes = 0;
	readonly #seen = new Set<number>();
	#timecodeScaleNs = DEFAULT_TIMECODE_SCALE_NS;
	#tracks: readonly Track[] = [];

	/**
	 * An element of the header begins: whether its body is to be given to {@link read}. Throws `MediaError` for one that is too
	 * large, or that comes a second time.
	 */
	begin(id: number, sizeBytes: number, offset: number): boolean {
		const maxBytes = maxBytesOf.get(id);
		if (sizeBytes > (maxBytes ?? Number.POSITIVE_INFINITY)) {
			throw malformed(
				`${nameOf(id)} declares a size of ${counted(sizeBytes, 'byte')}, more than ${maxBytes}`,
				offset,
			);
		}
		this.#claimedBytes += MAX_ELEMENT_HEADER_BYTES + sizeBytes;
		if (this.#claimedBytes > MAX_PRODUCER_HEADER_BYTES) {
			throw malformed(`a header of more than ${MAX_PRODUCER_HEADER_BYTES} bytes`, offset);
		}
		if (maxBytes === undefined) return false;
		if (this.#seen.has(id)) throw malformed(`a second ${nameOf(id)}`, offset);
		this.#seen.add(id);
		return true;
	}

	/** The body of an element. Throws `MediaError` where it cannot be read, {@link PutMediaError} 4012 for too many tracks. */
	read(id: number, body: Uint8Array, offset: number): void {
		if (id === ID.EBML) checkDocType(body, offset);
		else if (id === ID.Info) this.#timecodeScaleNs = readTimecodeScaleNs(body, offset);
		else this.#readTracks(body, offset);
	}

	/** The next of its bytes, which are copied. */
	append(bytes: Uint8Array): void {
		this.#bytes.append(bytes);
	}

	/** The first Cluster begins at `offset`. Throws `MediaError` where there were no tracks. */
	finish(offset: number): ProducerHeader {
		if (this.#tracks.length === 0) throw malformed('a Cluster in a Segment without tracks', offset);
		return {
			bytes: this.#bytes.take(),
			timecodeScaleNs: this.#timecodeScaleNs,
			tracks: this.#tracks,
		};
	}

	#readTracks(body: Uint8Array, offset: number): void {
		this.#tracks = readTracks(body, offset);
		if (this.#tracks.length > MAX_PRODUCER_TRACKS) {
			const message = `expected at most ${MAX_PRODUCER_TRACKS} tracks, got ${this.#tracks.length}`;
			throw new PutMediaError(4012, null, message);
		}
		for (const { number, codecPrivate } of this.#tracks) {
			const sizeBytes = codecPrivate?.byteLength ?? 0;
			if (sizeBytes > MAX_CODEC_PRIVATE_BYTES) {
				throw malformed(
					`expected a CodecPrivate of at most ${MAX_CODEC_PRIVATE_BYTES} bytes in track ${number}, got ${counted(sizeBytes, 'byte')}`,
					offset,
				);
			}
		}
	}
}
