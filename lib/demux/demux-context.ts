import { GapDetector } from '../gaps/gap-detector.js';
import { readTracks } from '../mkv/tracks.js';
import { areEqual } from '../model/bytes.js';
import type { Track } from '../model/track.js';

/** What outlives one payload: a run over many responses counts its fragments, and looks for gaps, across them. */
export class DemuxContext {
	/** Index of the next fragment. */
	nextIndex = 0;
	readonly gaps = new GapDetector();
	#tracksBody: Uint8Array | null = null;
	#tracks: readonly Track[] = [];

	/** The tracks that were read last. */
	get tracks(): readonly Track[] {
		return this.#tracks;
	}

	/** The tracks of a Tracks element. Headers repeat in every fragment: equal ones share their tracks. */
	readTracks(body: Uint8Array, offset: number): readonly Track[] {
		if (this.#tracksBody === null || !areEqual(this.#tracksBody, body)) {
			this.#tracks = readTracks(body, offset);
			this.#tracksBody = Uint8Array.from(body);
		}
		return this.#tracks;
	}
}
