import { SinkError } from '../errors.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';

/** The tracks of a file that has one header for all of its fragments. */
export class OutputTracks {
	readonly #target: string;
	readonly #tracks: readonly Track[];
	readonly #known = new Map<Track, Track>();

	constructor(target: string, tracks: readonly Track[]) {
		this.#target = target;
		this.#tracks = tracks;
		for (const track of tracks) this.#known.set(track, track);
	}

	/** The file's track for a frame. Throws `KVS_TRACKS_CHANGED` where it has none that the frame could be decoded with. */
	of(frame: Frame): Track {
		const known = this.#known.get(frame.track);
		if (known !== undefined) return known;
		const track = this.#tracks.find(({ number }) => number === frame.track.number);
		const difference = track === undefined ? 'is new' : differenceOf(track, frame.track);
		if (track === undefined || difference !== null) {
			throw new SinkError(
				'KVS_TRACKS_CHANGED',
				this.#target,
				`cannot write \`${this.#target}\`: track ${frame.track.number} ${difference} in fragment ${frame.fragmentNumber ?? frame.index}; export the range up to there, and from there on, as two files`,
			);
		}
		this.#known.set(frame.track, track);
		return track;
	}
}

/** What a decoder that was set up for `before` would trip over. */
function differenceOf(before: Track, after: Track): string | null {
	if (before.type !== after.type) return `changes from ${before.type} to ${after.type}`;
	if (before.codecId !== after.codecId) return `changes its codec from ${before.codecId} to ${after.codecId}`;
	if (Buffer.compare(before.codecPrivate ?? Buffer.alloc(0), after.codecPrivate ?? Buffer.alloc(0)) !== 0) {
		return 'changes its codec parameters (CodecPrivate)';
	}
	for (const key of ['width', 'height', 'sampleRate', 'channels', 'bitDepth'] as const) {
		if (before[key] !== after[key]) return `changes its ${key} from ${before[key]} to ${after[key]}`;
	}
	return null;
}
