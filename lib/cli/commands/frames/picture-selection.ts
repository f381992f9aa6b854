import { type FrameSelection, InvalidOptionError } from '../../../index.js';
import { parseDuration } from '../../duration.js';
import type { FramesCommandOptions } from './frames-options.js';

/** Which pictures are wanted; `--at` has runs of its own. Throws `InvalidOptionError`. */
export function pictureSelectionOf({ keyframes, every, all, at }: FramesCommandOptions): FrameSelection {
	const [first, ...others] = Object.entries({
		'--keyframes': keyframes,
		'--every': every,
		'--all': all,
		'--at': at,
	}).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
	if (first !== undefined && others.length > 0) {
		const expected = 'given alone: one of --keyframes, --every, --all and --at';
		throw new InvalidOptionError(first, expected, [first, ...others].join(' and '));
	}
	if (keyframes) return 'keyframes';
	if (every === undefined) return 'all';
	const everyMs = parseDuration(every);
	if (everyMs !== null && everyMs > 0) return { everyMs };
	const everyNth = /^\d+$/.test(every) ? Number(every) : 0;
	if (!Number.isSafeInteger(everyNth) || everyNth < 1) {
		throw new InvalidOptionError('--every', 'a time (500ms, 2s, 1m) or a number of frames (10)', every);
	}
	return { everyNth };
}
