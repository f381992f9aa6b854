import type { ServiceContext } from '../aws/service-context.js';
import { trackMedia } from '../codecs/decide-track-media.js';
import type { TrackMedia } from '../codecs/track-media.js';
import type { Fragment } from '../model/fragment.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { openFragment } from './one-fragment.js';

/** Frames that are looked at where the header does not say what they are: a fragment begins with a key frame. */
const MAX_FRAMES = 32;

/**
 * What the tracks of one fragment really hold, from its header and, where that lacks it, from its first frames: its media is
 * requested within the quotas, with retries, and the response is closed as soon as enough was read. Null where the fragment
 * fails before its header or is missing.
 */
export async function readTracks(
	fragment: Fragment,
	context: ServiceContext & { readonly signal: AbortSignal },
): Promise<readonly Track[] | null> {
	let header: FirstFrames | null = null;
	for await (const events of openFragment(fragment, context).batches()) {
		for (const event of events) {
			if (event.type === 'fragment') header = new FirstFrames(event.tracks);
			if (event.type === 'frame') header?.add(event);
			const isOver = event.type === 'fragment-end' || event.type === 'fragment-failure';
			if (header !== null && (isOver || header.isEnough)) return header.tracks;
			if (isOver) return null;
		}
	}
	return header?.tracks ?? null;
}

/** What the tracks of a fragment really hold, by its first frames where the header does not say it. */
class FirstFrames {
	readonly #stored: readonly Track[];
	readonly #frames = new Map<Track, Uint8Array[]>();
	#count = 0;

	constructor(stored: readonly Track[]) {
		this.#stored = stored;
	}

	add({ track, data }: Frame): void {
		const frames = this.#frames.get(track) ?? [];
		this.#frames.set(track, frames);
		frames.push(data);
		this.#count++;
	}

	/** Whether more frames would say no more, or are not worth it. */
	get isEnough(): boolean {
		return this.#count >= MAX_FRAMES || this.#media.every(({ missing }) => missing === null);
	}

	get tracks(): readonly Track[] {
		return this.#media.map(({ track }) => track);
	}

	get #media(): TrackMedia[] {
		return this.#stored.map((track) => trackMedia(track, this.#frames.get(track)));
	}
}
