import { inspect } from 'node:util';
import { InvalidOptionError } from '../errors.js';
import { type FrameSelection, isFrameSelection } from '../frames/frame-selector.js';
import { type Instant, resolveInstant } from '../model/instant.js';

/** Which pictures to decode, of each track by itself: by frames, or one of the following. */
export type PictureSelection = FrameSelection | TimesSelection | CountSelection | SceneSelection;

/** The picture on the screen at each of these times: the last one that is shown at or before it. Each picture once. */
export interface TimesSelection {
	readonly at: readonly Instant[];
}

/**
 * This many pictures, evenly over what is stored of the range, which is listed first: its time without gaps (of more than a second) is divided into
 * `count` equal parts, and of each the picture is chosen that is on the screen at its middle. All are different: where that one
 * has been chosen, it is the next one. Where media that is listed does not come (it fails, or `where` leaves it out), the pictures
 * that are left to be chosen are spread over what comes after it. There are fewer than `count` only where fewer are stored, or the
 * end of the range lacks them.
 */
export interface CountSelection {
	readonly count: number;
}

/**
 * The pictures whose difference from the one before is more than `scene`, from 0 to 1, by ffmpeg's own measure: those that
 * `-vf "select='gt(scene,0.3)'"` chooses. So never the first picture; nor, as in ffmpeg, the first one after the size of the video
 * changes, nor after its codec or the parameters of that do. Every frame is decoded, with one decoder.
 */
export interface SceneSelection {
	readonly scene: number;
}

const EXPECTED =
	"'all', 'keyframes', { everyMs: above 0 }, { everyNth: an integer of at least 1 }, { at: one time or more }, { count: an integer of at least 1 } or { scene: from 0 to 1 }";

/** How a selection is shown that is not valid: in one line, and not all of its times. */
const SHORT = { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 3, maxStringLength: 60 };

/** What a selection is, with its times resolved. Throws {@link InvalidOptionError}. */
export function resolvePictureSelection(
	select: PictureSelection,
):
	| { readonly frames: FrameSelection }
	| { readonly timesMs: readonly number[] }
	| CountSelection
	| SceneSelection {
	const fields = typeof select === 'object' && select !== null ? Object.entries(select) : [];
	const [[name, value] = [], ...more] = fields.filter(([, given]) => given !== undefined);
	if (more.length === 0) {
		if (isFrameSelection(select)) return { frames: select };
		if (name === 'at' && Array.isArray(value) && value.length > 0) {
			return { timesMs: value.map((time: Instant) => resolveInstant('select.at', time)) };
		}
		if (name === 'count' && Number.isSafeInteger(value) && value >= 1) return { count: value };
		if (name === 'scene' && typeof value === 'number' && value >= 0 && value <= 1) return { scene: value };
	}
	throw new InvalidOptionError('select', EXPECTED, fields.length === 0 ? select : inspect(select, SHORT));
}
