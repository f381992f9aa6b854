import { areEqual } from '../model/bytes.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';

/** The tracks of a file that has one header for all of its fragments. */
export class OutputTracks {
	/** In the order of the header. */
	readonly tracks: readonly Track[];
	readonly #known = new Map<Track, Track>();

	constructor(tracks: readonly Track[]) {
		this.tracks = tracks;
		for (const track of tracks) this.#known.set(track, track);
	}

	/**
	 * The file's track for a track of a fragment: the one of its name, else the one of its number. Null where it has none that its
	 * frames could be decoded with.
	 */
	of(track: Track): Track | null {
		const known = this.#known.get(track);
		if (known !== undefined) return known;
		const own = this.#alike(track);
		if (own === undefined || differenceOf(own, track) !== null) return null;
		this.#known.set(track, own);
		return own;
	}

	/** A frame of a fragment as one of the file's track for it, where that has another number. */
	asOwn(frame: Frame): Frame {
		const own = this.of(frame.track);
		return own === null || own.number === frame.track.number ? frame : frame.holding(own, frame.data);
	}

	/** Why `of` has no track for it, in words that follow "track 1". */
	whyNot(track: Track): string {
		const own = this.#alike(track);
		return (own === undefined ? null : differenceOf(own, track)) ?? 'is new';
	}

	/** A producer may number its tracks anew in each session: a name of one track alone says more. */
	#alike({ number, name }: Track): Track | undefined {
		const numbered = this.tracks.find((own) => own.number === number);
		if (name === null || numbered?.name === name) return numbered;
		const named = this.tracks.filter((own) => own.name === name);
		return named.length === 1 ? named[0] : numbered;
	}
}

/** What a decoder that was set up for `before` would trip over. */
function differenceOf(before: Track, after: Track): string | null {
	if (before.type !== after.type) return `changes from ${before.type} to ${after.type}`;
	if (before.codecId !== after.codecId) return `changes its codec from ${before.codecId} to ${after.codecId}`;
	for (const key of ['width', 'height', 'sampleRate', 'channels', 'bitDepth'] as const) {
		if (before[key] !== after[key]) return `changes its ${key} from ${before[key]} to ${after[key]}`;
	}
	if (!areEqual(before.codecPrivate ?? new Uint8Array(), after.codecPrivate ?? new Uint8Array())) {
		return 'changes its codec parameters (CodecPrivate)';
	}
	return null;
}
