import { InvalidOptionError } from '../errors.js';
import { checkSplitRules, type SplitRule, splitTagOf } from '../export/split-rule.js';
import { FOLLOW_OPTION_NAMES, type FollowOptions } from '../follow/follow-options.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { type Container, checkContainer } from '../muxing/container.js';
import type { Recording } from './recording.js';

/** How a stream is recorded. */
export interface RecordOptions extends Omit<FollowOptions, 'ack'> {
	/** When to begin a new file; where one file cannot hold what comes, one always begins. @default every 5 minutes */
	readonly split?: SplitRule | readonly SplitRule[] | undefined;
	/** The kind of the files. @default 'mp4' */
	readonly container?: Container | undefined;
	/** Called with each file that is finished and listed. What comes next waits for it; its error ends the recorder. */
	readonly onRecording?: ((recording: Recording) => void | Promise<void>) | undefined;
}

/** A file of a camera of 4 Mbit/s has 150 MB then. */
const DEFAULT_SPLIT: SplitRule = { everyMs: 300_000 };

const { ack: _, ...followOptionNames } = FOLLOW_OPTION_NAMES;
const RECORD_OPTION_NAMES: OptionNames<RecordOptions> = {
	...followOptionNames,
	split: true,
	container: true,
	onRecording: true,
};

/** Checks options. Throws {@link InvalidOptionError}. */
export function resolveRecordOptions(options: RecordOptions): {
	readonly split: readonly SplitRule[];
	readonly container: Container;
} {
	checkOptionNames(options, RECORD_OPTION_NAMES);
	const { container = 'mp4' } = options;
	checkContainer('container', container);
	const split = [options.split ?? DEFAULT_SPLIT].flat();
	checkSplitRules(split);
	const tag = splitTagOf(split);
	if (tag !== null) throw new InvalidOptionError('split', 'a rule other than { tag } in a recorder', tag);
	return { split, container };
}
