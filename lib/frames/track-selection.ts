import { ArchiveError, InvalidOptionError } from '../errors.js';
import type { FragmentEvent } from '../model/media-event.js';
import type { Track } from '../model/track.js';

/**
 * A track: by its Matroska TrackNumber, by its type (`'video'`, `'audio'`: all of that type), or by its name as the producer
 * wrote it, such as Amazon Connect's `'AUDIO_FROM_CUSTOMER'`.
 */
export type TrackSelector = number | 'video' | 'audio' | (string & Record<never, never>);

/** Which tracks to take. One selection for one stream: it checks the first fragment that has tracks. */
export class TrackSelection {
	readonly #selectors: readonly TrackSelector[];
	readonly #type: 'video' | null;
	#isChecked = false;

	/**
	 * `type`: the only type of track that is of use. Throws {@link InvalidOptionError} for selectors that are not valid, and for
	 * none at all.
	 */
	constructor(selectors: readonly TrackSelector[], { type = null }: { type?: 'video' | null } = {}) {
		const isValid = (selector: unknown): boolean =>
			typeof selector === 'string' ? selector !== '' : Number.isInteger(selector) && (selector as number) > 0;
		if (!Array.isArray(selectors)) throw new InvalidOptionError('tracks', EXPECTED, selectors);
		if (selectors.length === 0) throw new InvalidOptionError('tracks', 'at least one track', selectors);
		for (const selector of selectors) {
			if (!isValid(selector)) throw new InvalidOptionError('tracks', EXPECTED, selector);
		}
		this.#selectors = [...selectors];
		this.#type = type;
	}

	/** Whether a track is selected. */
	has(track: Track): boolean {
		return this.#selectors.some((selector) => isTrack(track, selector)) && this.#isUsable(track);
	}

	/** Which selector selects nothing in a fragment, and the tracks it has, as a clause; null where each selects a track. */
	whyMissing({ tracks, fragmentNumber, index }: FragmentEvent): string | null {
		const usable = tracks.filter((track) => this.#isUsable(track));
		const missing = this.#selectors.find((selector) => !usable.some((track) => isTrack(track, selector)));
		if (missing === undefined) return null;
		const type = this.#type === null ? 'track' : `${this.#type} track`;
		const has = tracks.length === 0 ? 'no tracks' : tracks.map(describe).join(' and ');
		return `there is no ${type} \`${missing}\` in fragment ${fragmentNumber ?? index}, which has ${has}`;
	}

	/**
	 * Takes each fragment of a stream as it begins. Throws `ArchiveError` (`KVS_NO_SUCH_TRACK`), which lists the tracks there
	 * are, where the first one with tracks lacks a selected one. Tracks may come and go after that.
	 */
	check(fragment: FragmentEvent): void {
		if (this.#isChecked || fragment.tracks.length === 0) return;
		this.#isChecked = true;
		const missing = this.whyMissing(fragment);
		if (missing !== null) throw new ArchiveError('KVS_NO_SUCH_TRACK', missing);
	}

	#isUsable({ type }: Track): boolean {
		return this.#type === null || type === this.#type;
	}
}

const EXPECTED = "an array of track numbers, names, 'video' or 'audio'";

function isTrack({ number, type, name }: Track, selector: TrackSelector): boolean {
	if (typeof selector === 'number') return number === selector;
	return selector === 'video' || selector === 'audio' ? type === selector : name === selector;
}

function describe({ number, type, name, codec, codecId }: Track): string {
	return `${number} (${[type, codec ?? codecId, ...(name === null ? [] : [name])].join(', ')})`;
}
