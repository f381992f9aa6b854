import { SinkError } from '../errors.js';
import { TrackSelection } from '../frames/track-selection.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { checkTracks, isAudioContainer } from '../muxing/container.js';
import type { Piece } from '../sinks/fragment-sink.js';
import type { ExportRequest } from './export-request.js';

/** Which tracks an export takes: those that were asked for; without that all of them, and of audio files those of audio. */
export class ExportTracks {
	readonly #name: string;
	readonly #request: Pick<ExportRequest, 'tracks' | 'container'>;
	readonly #selection: TrackSelection | null;

	/** @param name - of the file that was asked for */
	constructor(name: string, request: Pick<ExportRequest, 'tracks' | 'container'>) {
		this.#name = name;
		this.#request = request;
		this.#selection = request.tracks === null ? null : new TrackSelection(request.tracks);
	}

	/** Whether it takes a track. */
	has(track: Track): boolean {
		return this.#selection?.has(track) ?? (!this.#isAudioOnly || track.type === 'audio');
	}

	/**
	 * The frames that it takes. Where no file is open, throws `SinkError`: `KVS_NO_SUCH_TRACK` where a track that was asked for is
	 * missing, `KVS_CODEC_NOT_SUPPORTED` where there is none that the container takes.
	 */
	framesOf(
		{ fragment, tracks, frames }: Pick<Piece, 'fragment' | 'tracks' | 'frames'>,
		{ isOpen }: { isOpen: boolean },
	): readonly Frame[] {
		if (this.#selection === null && !this.#isAudioOnly) return frames;
		if (this.#isAudioOnly && !isOpen && !tracks.some((track) => this.has(track))) {
			checkTracks(this.#name, this.#request.container, tracks);
		}
		const missing = isOpen ? null : (this.#selection?.whyMissing(fragment) ?? null);
		if (missing !== null) {
			throw new SinkError('KVS_NO_SUCH_TRACK', this.#name, `cannot write \`${this.#name}\`: ${missing}`);
		}
		return frames.filter(({ track }) => this.has(track));
	}

	/** Containers of audio alone take it by themselves. */
	get #isAudioOnly(): boolean {
		const { tracks, container } = this.#request;
		return tracks === null && isAudioContainer(container);
	}
}
