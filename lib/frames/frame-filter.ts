import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { MediaEvent } from '../model/media-event.js';
import { Stage } from '../stream/stage.js';
import { type FrameSelection, FrameSelector } from './frame-selector.js';
import { TrackSelection, type TrackSelector } from './track-selection.js';

/** Options of {@link FrameFilter}. */
export interface FrameFilterOptions {
	/** @default 'all' */
	readonly select?: FrameSelection;
	/** By number, type or name; the first fragment that has tracks must have each. @default all */
	readonly tracks?: readonly TrackSelector[] | undefined;
}

const OPTION_NAMES: OptionNames<FrameFilterOptions> = {
	select: true,
	tracks: true,
};

/**
 * Drops frames that were not selected. Every other event passes, so that failures stay in their place. Fails with `ArchiveError`
 * (`KVS_NO_SUCH_TRACK`) where a selected track is missing.
 */
export class FrameFilter extends Stage<MediaEvent, MediaEvent> {
	readonly #selector: FrameSelector;
	readonly #tracks: TrackSelection | null;

	constructor(options: FrameFilterOptions = {}) {
		checkOptionNames(options, OPTION_NAMES);
		const { select = 'all', tracks } = options;
		super();
		this.#selector = new FrameSelector(select);
		this.#tracks = tracks === undefined ? null : new TrackSelection(tracks);
	}

	protected override process(event: MediaEvent): MediaEvent[][] {
		if (event.type === 'fragment') this.#tracks?.check(event);
		if (event.type !== 'frame') return [[event]];
		const isOfTrack = this.#tracks?.has(event.track) ?? true;
		return isOfTrack && this.#selector.isSelected(event) ? [[event]] : [];
	}
}
