import type { FileHandle } from 'node:fs/promises';
import { trackMedia } from '../../../codecs/decide-track-media.js';
import type { TrackMedia } from '../../../codecs/track-media.js';
import { DemuxContext } from '../../../demux/demux-context.js';
import { PayloadReader } from '../../../demux/payload-reader.js';
import { MediaError } from '../../../errors.js';
import type { Track } from '../../../model/track.js';
import { OpenPayload } from '../../store/open-payload.js';
import type { StoredFragment } from '../../store/stored-fragment.js';

/** The header of a fragment has some hundred bytes. */
const READ_BYTES = 16 * 1024;

/** Fragments whose tracks are remembered: those of some playlists of the longest kind. */
const MAX_KNOWN = 20_000;

/**
 * Reads which tracks fragments have, and what these really hold ({@link trackMedia}): from their headers, and where a
 * header does not say it, from the first frames that do. Remembers it for the fragments that were read last. Equal headers
 * one after the other share their tracks.
 */
export class TrackReader {
	/** By payload and fragment number, the oldest first. */
	readonly #known = new Map<string, readonly Track[] | MediaError>();
	/** Those that are being read, for all sessions that begin with the same fragments at once. */
	readonly #pending = new Map<string, Promise<readonly Track[] | MediaError>>();
	readonly #context = new DemuxContext();

	/**
	 * The tracks of each fragment, in order; the error in place of those of a fragment that is malformed. Rejects with the
	 * system's error where a file cannot be read.
	 */
	async read(fragments: readonly StoredFragment[]): Promise<(readonly Track[] | MediaError)[]> {
		const payload = new OpenPayload();
		try {
			const found: (readonly Track[] | MediaError)[] = [];
			for (const fragment of fragments) {
				const place = `${fragment.payload}:${fragment.number}`;
				found.push(this.#known.get(place) ?? (await this.#readOnce(place, payload, fragment)));
			}
			return found;
		} finally {
			await payload.close();
		}
	}

	#readOnce(
		place: string,
		payload: OpenPayload,
		fragment: StoredFragment,
	): Promise<readonly Track[] | MediaError> {
		const pending = this.#pending.get(place);
		if (pending !== undefined) return pending;
		const reading = payload
			.open(fragment.payload)
			.then((handle) => this.#readHead(handle, fragment))
			.then((tracks) => {
				this.#remember(place, tracks);
				return tracks;
			})
			.finally(() => this.#pending.delete(place));
		this.#pending.set(place, reading);
		return reading;
	}

	#remember(place: string, tracks: readonly Track[] | MediaError): void {
		this.#known.set(place, tracks);
		const [oldest] = this.#known.keys();
		if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
	}

	async #readHead(handle: FileHandle, fragment: StoredFragment): Promise<readonly Track[] | MediaError> {
		const reader = new PayloadReader(this.#context, { admit: () => 'hold' });
		const end = fragment.offset + fragment.sizeBytes;
		let media: Map<Track, TrackMedia> | null = null;
		try {
			for (let position = fragment.offset; position < end; ) {
				const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, end - position));
				const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
				if (bytesRead === 0) break;
				position += bytesRead;
				for (const event of [...reader.write(buffer.subarray(0, bytesRead))].flat()) {
					if (event.type === 'fragment') {
						media = new Map(event.tracks.map((track) => [track, trackMedia(track)]));
					} else if (event.type === 'frame' && media?.get(event.track)?.missing != null) {
						media.set(event.track, trackMedia(event.track, [event.data]));
					}
				}
				if (media !== null && [...media.values()].every(({ missing }) => missing === null)) break;
			}
		} catch (error) {
			if (!(error instanceof MediaError)) throw error;
			// What follows the header is checked again when the fragment is packaged.
			if (media === null) return error;
		}
		if (media === null) {
			return new MediaError('KVS_MKV_MALFORMED', `fragment ${fragment.number} has no Cluster`);
		}
		return [...media.values()].map(({ track }) => track);
	}
}
