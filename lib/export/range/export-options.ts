import { InvalidOptionError } from '../../errors.js';
import type { StartAt } from '../../frames/fragment-start.js';
import { TrackSelection, type TrackSelector } from '../../frames/track-selection.js';
import { checkWhere } from '../../frames/where.js';
import type { Fragment } from '../../model/fragment.js';
import { checkOptionNames, type OptionNames } from '../../model/known-options.js';
import type { RunEvent } from '../../model/media-event.js';
import { resolveTimeRange, type TimeRange } from '../../model/time-range.js';
import { containerOf } from '../../muxing/container.js';
import type { GapPolicy } from '../../muxing/output-timeline.js';
import type { Clock } from '../../pace/clock.js';
import type { EventStream } from '../../run/event-stream.js';
import { RUN_OPTION_NAMES, type RunOptions } from '../../run/run-options.js';
import type { ExportPast } from '../export-past.js';
import type { ExportRequest } from '../export-request.js';
import { checkSplitRules, type SplitRule } from '../split-rule.js';

/** Options of {@link KvsArchive.export}. */
export interface ExportOptions extends Omit<RunOptions, 'order'> {
	/** The tracks to write, by number, type or name. @default all */
	readonly tracks?: readonly TrackSelector[] | undefined;
	/** What becomes of time in which nothing was recorded. @default 'keep' */
	readonly gaps?: GapPolicy | undefined;
	/** When to begin a new file; codec parameters that change always do so. @default [] */
	readonly split?: SplitRule | readonly SplitRule[] | undefined;
	/** WAV: all audio tracks as the channels of one file, or a file for each. @default 'stereo' */
	readonly channels?: 'split' | 'stereo' | undefined;
	/** MP4, MOV, M4A: a classic file with its index before the media, instead of a fragmented one. Takes about 1 KB of memory per frame. @default false */
	readonly faststart?: boolean | undefined;
	/** Whether a manifest is written beside the file. @default true */
	readonly manifest?: boolean | undefined;
}

const { order: _, ...runOptionNames } = RUN_OPTION_NAMES;
const EXPORT_OPTION_NAMES: OptionNames<ExportOptions> = {
	...runOptionNames,
	tracks: true,
	gaps: true,
	split: true,
	channels: true,
	faststart: true,
	manifest: true,
};

/** What an export needs of the archive. */
export interface ExportSource {
	/** Name or ARN. */
	readonly stream: string;
	readonly clock: Clock;
	/** What is left of the range. */
	readonly events: (
		past: ExportPast,
		how: { readonly startAt: StartAt; readonly completeTags: boolean },
	) => EventStream<RunEvent>;
	/** The listing of the range. */
	readonly fragments: (signal: AbortSignal | undefined) => AsyncIterable<Fragment>;
}

/** What is asked for. Throws {@link InvalidOptionError}. */
export function exportRequestOf(
	range: TimeRange,
	file: string,
	options: ExportOptions,
	stream: string,
): ExportRequest {
	checkOptionNames(options, EXPORT_OPTION_NAMES);
	const { fromMs, toMs, by } = resolveTimeRange(range);
	const { tracks, gaps = 'keep', channels, faststart = false } = options;
	const { padStart = true, duplicates = 'keep-all', where } = options;
	checkWhere(options);
	const container = containerOf(file);
	if (gaps !== 'keep' && gaps !== 'close' && gaps !== 'fill') {
		throw new InvalidOptionError('gaps', "'keep', 'close' or 'fill'", gaps);
	}
	if (channels !== undefined && ((channels !== 'split' && channels !== 'stereo') || container !== 'wav')) {
		throw new InvalidOptionError('channels', "'split' or 'stereo', and set only for a .wav file", channels);
	}
	if (faststart && container !== 'mp4' && container !== 'mov' && container !== 'm4a') {
		throw new InvalidOptionError('faststart', 'set only for a .mp4, .mov or .m4a file', faststart);
	}
	// Throws for selectors that are not valid.
	if (tracks !== undefined) new TrackSelection(tracks);
	const split = options.split === undefined ? [] : [options.split].flat();
	checkSplitRules(split);
	return {
		stream,
		from: new Date(fromMs).toISOString(),
		to: new Date(toMs).toISOString(),
		by,
		padStart,
		duplicates,
		...(where === undefined ? {} : { where: typeof where === 'function' ? 'function' : { ...where } }),
		container,
		tracks: tracks === undefined ? null : [...tracks],
		gaps,
		split,
		channels: channels ?? 'stereo',
		faststart,
	};
}
