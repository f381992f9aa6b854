import { InvalidOptionError, type PictureSelection } from '../../../index.js';
import { parseDuration } from '../../duration.js';
import type { FramesCommandOptions } from './frames-options.js';

/** Which pictures are wanted; `--at` has runs of its own. Throws `InvalidOptionError`. */
export function pictureSelectionOf(options: FramesCommandOptions): PictureSelection {
	const { keyframes, every, count, scene, all, at } = options;
	const given = Object.entries({
		'--keyframes': keyframes,
		'--every': every,
		'--count': count,
		'--scene': scene,
		'--all': all,
		'--at': at,
	}).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
	if (given.length > 1) {
		const expected = 'given alone: one of --keyframes, --every, --count, --scene, --all and --at';
		throw new InvalidOptionError(given[0] as string, expected, given.join(' and '));
	}
	if (keyframes) return 'keyframes';
	if (every !== undefined) return intervalOf(every);
	if (scene !== undefined) return { scene: sceneOf(scene) };
	return count === undefined ? 'all' : { count: positive('--count', 'a number of pictures (100)', count) };
}

function sceneOf(text: string): number {
	const scene = /^(?:[01]|[01]?\.\d+)$/.test(text) ? Number(text) : Number.NaN;
	if (scene >= 0 && scene <= 1) return scene;
	throw new InvalidOptionError('--scene', 'a difference from 0 to 1 (0.3)', text);
}

function intervalOf(every: string): PictureSelection {
	const everyMs = parseDuration(every);
	if (everyMs !== null && everyMs > 0) return { everyMs };
	return { everyNth: positive('--every', 'a time (500ms, 2s, 1m) or a number of frames (10)', every) };
}

function positive(flag: string, expected: string, text: string): number {
	const number = /^\d+$/.test(text) ? Number(text) : 0;
	if (Number.isSafeInteger(number) && number >= 1) return number;
	throw new InvalidOptionError(flag, expected, text);
}
